import t, { type Test } from 'tap'
import { appendFileSync, chmodSync, existsSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DirectoryPlace, type DirectoryAppid } from '../../lib/cli/directory-place'
import { localDisk } from '../../lib/store/files/local-disk'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { forwardingText } from '../../lib/store/forwarding'
import { storageName } from '../../lib/store/session-id'
import { age } from '../support/aged-sessions'
import { newSession } from '../support/new-session'
import { newFile, pathOf, sessionDirectory } from '../support/session-files'

const LIMITS = { idleTimeout: 7200, absoluteTimeout: undefined }
const COUNT = { dryRun: true, onProgress () {} }

/** A directory with one session. */
async function begin (t: Test) {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir, appid: 'shop' })
  t.teardown(() => store.close())
  const { sesid, name } = await newSession(store, { text: '{"a":1}', idleTimeout: 86_400 })
  const place = new DirectoryPlace(sessionDir, { maxSize: 1000 })
  const [shop] = await place.appids('shop') as [DirectoryAppid]
  return { sessionDir, store, sesid, name, path: newFile(sessionDir), place, shop }
}

async function all <T> (items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

t.test('a directory with the sessions of some appids', async t => {
  const { sessionDir, place, shop } = await begin(t)
  await newSession(new SessionFileStore({ sessionDir, appid: '__Host-admin' }))
  writeFileSync(join(sessionDir, 'README'), '')
  t.equal(place.title, sessionDir)
  t.match((await place.appids()).map(({ appid }) => appid), ['__Host-admin', 'shop'])
  t.match(shop, { appid: 'shop', title: join(sessionDir, 'shop'), directory: join(sessionDir, 'shop') })
  await t.rejects(place.appids('other'), { code: 'NOT_FOUND' })
  t.strictSame(await place.foreign(), [join(sessionDir, 'README')])
  t.strictSame(await place.foreign('shop'), [], 'of one app nothing else is looked at')
  t.match((await all(place.findings(LIMITS))).map(({ subject }) => subject), ['owner and mode', 'file system'])
  await place.close()
})

t.test('its store takes texts as they are stored, which are longer when they are encrypted', async t => {
  const { place, store, name } = await begin(t)
  t.match(await place.store('shop', LIMITS).read(name), { text: '{"a":1}' })
  const longest = await new SessionFileStore({ sessionDir: place.title, appid: 'shop', encryption: true, maxSize: 1000 })
  const sesid = await longest.newSession()
  await longest.putSession(sesid, 'x'.repeat(1000))
  const { text } = await store.read(storageName('shop', sesid)) ?? {}
  t.ok(text !== undefined && text.length > 1000)
  t.match(await place.store('shop', LIMITS).read(storageName('shop', sesid)), { text })
})

t.test('sessions are read, expired or not; what holds none is left out, and what cannot be read is told', async t => {
  const { store, sessionDir, name, path, shop } = await begin(t)
  age(path, 90_000)
  const forwards = store.nameOf('the id before')
  await store.create(forwards, { text: forwardingText('shop', 'the id before', { sesid: 'the id', since: Date.now(), grace: 10_000 }) })
  await newSession(store)
  writeFileSync(newFile(sessionDir, [path, pathOf(sessionDir, 'the id before', 'shop')]), '')
  symlinkSync(path, `${path.slice(0, -62)}${'0'.repeat(62)}`)
  t.match(await all(shop.sessions(() => {})), [{ name, text: '{"a":1}', idleTimeout: 86_400 }])
  t.equal((await all(shop.sessions(() => {}))).length, 1)
  truncateSync(path, 4 * 1024 ** 3)
  t.match(await all(shop.sessions(() => {})), [{ error: { code: 'SESSION_FILE', message: /4294967296 bytes/ } }])
})

t.test('one session is found by its name, and removed for good', async t => {
  const { name, path, shop } = await begin(t)
  t.match(await shop.find(name), { name, text: '{"a":1}', idleTimeout: 86_400 })
  t.equal(await shop.find('0'.repeat(64)), null)
  t.equal(await shop.remove('0'.repeat(64)), false)
  t.equal(await shop.remove(name), true)
  t.notOk(existsSync(path))
  t.equal(await shop.find(name), null)
})

t.test('a file that is not ours is neither read nor removed, and one that holds no session is none', async t => {
  const { name, path, shop, sessionDir } = await begin(t)
  const elsewhere = join(dirname(sessionDir), 'elsewhere')
  writeFileSync(elsewhere, 'of another program')
  rmSync(path)
  symlinkSync(elsewhere, path)
  t.equal(await shop.find(name), null)
  t.equal(await shop.remove(name), false)
  t.ok(existsSync(elsewhere))
  t.strictSame(await all(shop.verify(() => {})), [{ isSession: false, problem: { kind: 'foreign', what: path } }])
  rmSync(path)
  writeFileSync(path, '', { mode: 0o600 })
  t.equal(await shop.find(name), null)
})

t.test('trouble names the directory, and no file', async t => {
  const { name, path, shop } = await begin(t)
  t.intercept(localDisk, 'open', { value: async () => { throw Object.assign(new Error(`EIO: i/o error, open '${path}'`), { code: 'EIO', syscall: 'open', path }) } })
  for (const work of [async () => await shop.find(name), async () => await shop.remove(name)]) {
    const error = await (work() as Promise<unknown>).catch((error: unknown) => error) as Error
    t.match(error, { code: 'SESSION_FILE', message: `in ${shop.directory}: EIO` })
    t.notMatch(error.message, path)
  }
  chmodSync(dirname(path), 0o755)
  await t.rejects(shop.find(name), { message: /chmod 700/ })
})

t.test('what has expired is counted, or removed', async t => {
  const { path, shop } = await begin(t)
  age(path, 90_000)
  t.match(await shop.clean(LIMITS, COUNT), { seen: 1, expired: 1 })
  t.ok(existsSync(path))
  t.match(await shop.clean(LIMITS, { ...COUNT, dryRun: false }), { seen: 1, expired: 1 })
  t.notOk(existsSync(path))
})

t.test('what is torn, foreign or unreadable is told by its path', async t => {
  const { store, path, shop, name } = await begin(t)
  t.strictSame(await all(shop.verify(() => {})), [{ isSession: true, problem: null }])
  appendFileSync(path, 'half a record')
  const notes = join(shop.directory, 'notes')
  writeFileSync(notes, '')
  const found = new Map((await all(shop.verify(() => {}))).map(({ problem }) => [problem?.what, problem]))
  t.match(found.get(path), { kind: 'torn' })
  t.match(found.get(notes), { kind: 'foreign' })
  truncateSync(path, 4 * 1024 ** 3)
  t.match((await all(shop.verify(() => {}))).find(({ isSession }) => isSession)?.problem, { kind: 'unreadable', what: path, reason: /4294967296 bytes/ })
  await store.remove(name)
})

t.test('a session that is being written is not torn', async t => {
  const { store, path, shop, name } = await begin(t)
  appendFileSync(path, 'half a record')
  const { wait } = localDisk
  let waits = 0
  t.intercept(localDisk, 'wait', {
    value: async (milliseconds: number) => {
      waits++
      rmSync(path)
      await store.create(name, { text: '{"a":2}' })
      await wait.call(localDisk, milliseconds)
    }
  })
  t.strictSame(await all(shop.verify(() => {})), [{ isSession: true, problem: null }])
  t.equal(waits, 1)
})
