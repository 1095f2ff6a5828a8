import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { SessionError, SessionFileError } from '../../../lib/errors'
import type { SessionFileStoreOptions } from '../../../lib/store/files/options'
import { localDisk } from '../../../lib/store/files/local-disk'
import { encodeRecord, NO_RECORD } from '../../../lib/store/files/journal'
import { FileStore } from '../../../lib/store/files/file-store'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import { anyText } from '../../support/any-text'
import { interceptedDisk, noDescriptorList, passTick } from '../../support/disks'
import fc from '../../support/fast-check'
import { recordOf, wholeText } from '../../support/journal-files'
import { newSession } from '../../support/new-session'
import { otherProcess } from '../../support/other-process'
import { pathOf, sessionDirectory } from '../../support/session-files'
import { stopTime } from '../../support/steady-time'

// What the tests make themselves is private as well.
process.umask(0o077)

function newStore (t: Test, options: SessionFileStoreOptions = {}): SessionFileStore {
  return new SessionFileStore({ sessionDir: sessionDirectory(t), ...options })
}

/** Every path below the directory, relative to it. */
function listing (dir: string): string[] {
  return readdirSync(dir, { recursive: true }).map(String).sort()
}

const NO_IDS: Array<[string, unknown]> = [
  ['a path', '../../etc/passwd'], ['an absolute path', '/etc/passwd'], ['the empty string', ''], ['10 KB', 'x'.repeat(10 * 1024)],
  ['NUL', 'a\0b'], ['NUL alone', '\0'], ['a dot', '.'], ['two dots', '..'], ['no Unicode', '\ud800'], ['emoji', '🍪'],
  ['nobody\'s', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'], ['undefined', undefined], ['null', null], ['a number', 7],
  ['an object', { toString: () => 'x' }], ['an array', ['x']]]

t.test('the files are where the documentation says, for this user alone', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ appid: 'shop', sessionDir })
  const sesid = await store.newSession()
  const path = pathOf(sessionDir, sesid, 'shop')
  t.ok(existsSync(path))
  t.match(path, /sessions\/shop\/[0-9a-f]{2}\/[0-9a-f]{62}$/)
  t.equal(lstatSync(path).mode & 0o7777, 0o600)
  for (let dir = join(path, '..'); dir.startsWith(sessionDir); dir = join(dir, '..')) t.equal(lstatSync(dir).mode & 0o7777, 0o700, dir)
  t.notOk(listing(sessionDir).join().includes(sesid), 'no name gives the id away')
  t.notOk(readFileSync(path).includes(sesid), 'nor does what is in it')
})

t.test('open makes the directories, and refuses those that others may use', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  await store.open()
  t.strictSame(listing(sessionDir), ['sid'])
  t.equal(statSync(sessionDir).mode & 0o7777, 0o700)
  await store.open()
  const dir = t.testdir({ sub: {} })
  chmodSync(dir, 0o755)
  const open = new SessionFileStore({ sessionDir: dir })
  await t.rejects(open.open(), { code: 'SESSION_FILE', message: /chmod 700 / })
})

t.test('what is not an id is not an error, and nothing is touched for it', async t => {
  const store = newStore(t)
  const sesid = await store.newSession()
  const outside = t.testdirName
  const before = listing(outside)
  for (const [what, id] of NO_IDS as Array<[string, string]>) {
    t.equal(await store.getSession(id), null, what)
    t.equal(await store.read(store.nameOf(id)), null)
    await store.putSession(id, 'text')
    t.strictSame(await store.replace(store.nameOf(id), { text: 'text' }, 'version'), { result: 'gone' })
    await store.touch(store.nameOf(id))
    await store.delSession(id)
    await store.setAside(store.nameOf(id))
  }
  t.strictSame(listing(outside), before)
  t.equal(await store.getSession(sesid), '')
})

t.test('no file outside sessionDir is ever named to the disk', async t => {
  const sessionDir = sessionDirectory(t)
  const paths: string[] = []
  const disk = interceptedDisk(async (_name, given, call) => {
    paths.push(...given.filter(each => typeof each === 'string'))
    return await call()
  })
  const store = new FileStore({ sessionDir }, disk)
  await store.newSession()
  await fc.assert(fc.asyncProperty(fc.oneof(anyText(), fc.constantFrom('../x', '/etc/passwd', '..\\..')), async id => {
    await store.getSession(id)
    await store.putSession(id, 'x')
    await store.delSession(id)
  }), { numRuns: 50 })
  t.ok(paths.length > 150)
  t.strictSame(paths.filter(path => !/^\/sid\/[0-9a-f]{2}\/[0-9a-f]{62}(\.lock|\.[0-9a-f]{16}\.tmp)?$/.test(path.slice(sessionDir.length))), [])
})

t.test('a store in which nothing was stored has no directory', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  t.equal(await store.getSession('x'), null)
  await store.putSession('x', 'text')
  await store.delSession('x')
  t.notOk(existsSync(sessionDir))
})

t.test('texts of any content come back as they were', async t => {
  const sessionDir = sessionDirectory(t)
  const [store, other] = [new SessionFileStore({ sessionDir }), new SessionFileStore({ sessionDir })]
  const sesid = await store.newSession()
  const forged = encodeRecord(recordOf('forged'), NO_RECORD).toString('latin1')
  const texts = ['', '\n', '\r\n\r\n', 'a\0b', '\0', '🍪👩‍👩‍👧', '\ufeff', 'é'.repeat(5000), forged, forged + forged, 'FFS1', 'FFS1'.repeat(5000),
    '{"a":1}', ' '.repeat(3)]
  for (const text of texts) {
    await store.putSession(sesid, text)
    t.equal(await store.getSession(sesid), text)
    t.equal(await other.getSession(sesid), text)
    t.equal(await new SessionFileStore({ sessionDir }).getSession(sesid), text)
    const created = await newSession(store, text)
    t.equal(await other.getSession(created.sesid), text)
  }
  await fc.assert(fc.asyncProperty(anyText(), async text => {
    await store.putSession(sesid, text)
    return await store.getSession(sesid) === text && await other.getSession(sesid) === text
  }), { numRuns: 50 })
})

t.test('1 MiB is stored, one byte more is refused and the old text stays', async t => {
  const store = newStore(t)
  const mebibyte = 'é'.repeat(512 * 1024)
  const sesid = await store.newSession()
  await store.putSession(sesid, mebibyte)
  t.ok(await store.getSession(sesid) === mebibyte)
  const { version } = await store.read(store.nameOf(sesid)) ?? {}
  const refusal = { name: 'SessionError', code: 'SESSION_TOO_BIG', statusCode: 500, message: /maxSize \(1048576 bytes\)/ }
  await t.rejects(store.putSession(sesid, mebibyte + 'x'), refusal)
  await t.rejects(async () => await store.replace(store.nameOf(sesid), { text: mebibyte + 'x' }, version ?? ''), refusal)
  await t.rejects(newSession(store, mebibyte + 'x'), refusal)
  t.ok(await store.getSession(sesid) === mebibyte)
})

t.test('what is not a text is refused, and is not trouble with the disk', async t => {
  stopTime(t)
  const store = new FileStore({ sessionDir: sessionDirectory(t) })
  const { sesid, name, version } = await newSession(store, 'old')
  await store.read(name)
  for (const value of [undefined, null, 7, {}, Buffer.from('bytes')]) {
    const refusal = { name: 'SessionError', code: 'SESSION_OPTION', message: 'the text of a session must be a string' }
    await t.rejects(store.putSession(sesid, value as string), refusal)
    await t.rejects(newSession(store, { text: value as string }), refusal)
    await t.rejects(store.replace(store.nameOf(sesid), { text: value as string }, version), refusal)
    t.throws(() => store.replaceNow(store.nameOf(sesid), { text: value as string }, version), refusal)
  }
  t.equal(await store.getSession(sesid), 'old')
})

t.test('maxSize counts bytes', async t => {
  const store = newStore(t, { maxSize: 4 })
  const sesid = await store.newSession()
  await store.putSession(sesid, 'éé')
  await t.rejects(store.putSession(sesid, 'ééé'), SessionError)
  await t.rejects(store.putSession('nobody', 'ééé'), SessionError, 'whether the session is there or not')
  t.equal(await store.getSession(sesid), 'éé')
})

t.test('putSession wins in the end, however many processes write', async t => {
  const sessionDir = sessionDirectory(t)
  const stores = Array.from({ length: 5 }, () => new SessionFileStore({ sessionDir }))
  const sesid = await stores[0]!.newSession()
  for (const store of stores) await store.getSession(sesid)
  await Promise.all(stores.map((store, index) => store.putSession(sesid, `by ${index}`)))
  const texts = await Promise.all(stores.map(store => store.getSession(sesid)))
  t.match(texts[0], /^by \d$/)
  t.equal(new Set(texts).size, 1, 'and all agree on the last one')
})

t.test('sessions made long ago and written often stay one file of bounded size', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  const sesid = await store.newSession()
  const path = pathOf(sessionDir, sesid)
  for (const textOf of [(turn: number) => wholeText(turn, 100), (turn: number) => `${turn}`.padEnd(100)]) {
    const files = new Set<number>()
    for (let turn = 0; turn < 1000; turn++) {
      await store.putSession(sesid, textOf(turn))
      const { ino, size } = statSync(path)
      files.add(ino)
      if (size > 17 * 1024) t.fail('too long')
    }
    t.equal(await store.getSession(sesid), textOf(999))
    t.ok(files.size > 1, 'of whole texts and of changes')
  }
  t.strictSame(readdirSync(join(path, '..')), [path.split('/').pop()])
})

t.test('two processes see each other\'s writes at once', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  const other = otherProcess(t, { sessionDir })
  const sesid = await other.call('newSession') as string
  t.equal(await store.getSession(sesid), '')
  for (let turn = 0; turn < 200; turn++) {
    const text = turn % 10 < 5 ? wholeText(turn, 100) : `turn ${turn}`.padEnd(100)
    if (turn % 2 === 0) {
      await store.putSession(sesid, text)
      if (await other.call('getSession', sesid) !== text) t.fail(text)
    } else {
      await other.call('putSession', sesid, text)
      if (await store.getSession(sesid) !== text) t.fail(text)
    }
  }
  await other.call('delSession', sesid)
  t.equal(await store.getSession(sesid), null)
  const next = await store.newSession()
  t.equal(await other.call('getSession', next), '')
  await store.delSession(next)
  t.equal(await other.call('getSession', next), null)
})

t.test('two appids never see each other\'s sessions', async t => {
  const sessionDir = sessionDirectory(t)
  const appids = ['a', 'ab', 'A', 'aB', '.', '..', '...', '%2e', 'a.b', 'a%2eb', '%', 'a-b', 'a_b', '__Host-a', '~', '|', '!#$&\'*+^`']
  const stores = appids.map(appid => new SessionFileStore({ appid, sessionDir, idGenerator: () => 'the same id' }))
  for (const store of stores) {
    t.equal(await store.newSession(), 'the same id', store.sesAppid())
    await store.putSession('the same id', store.sesAppid())
  }
  for (const store of stores) t.equal(await store.getSession('the same id'), store.sesAppid())
  await stores[0]!.delSession('the same id')
  for (const store of stores.slice(1)) t.equal(await store.getSession('the same id'), store.sesAppid())
  t.strictSame(readdirSync(join(sessionDir, '..')), ['sessions'])
  t.equal(new Set(readdirSync(sessionDir).map(name => name.toLowerCase())).size, appids.length)
})

t.test('an id generator that returns taken ids, or none, is an error', async t => {
  const sessionDir = sessionDirectory(t)
  const taken = ['one', 'one', 'one', 'two']
  const store = new SessionFileStore({ sessionDir, idGenerator: () => taken.shift() ?? 'one' })
  t.equal(await store.newSession(), 'one')
  await store.putSession('one', 'precious')
  t.equal(await store.newSession(), 'two', 'tried again')
  await t.rejects(store.newSession(), { name: 'SessionError', code: 'SESSION_ID', message: /idGenerator/ })
  t.equal(await store.getSession('one'), 'precious')
  for (const bad of ['', 'x'.repeat(1025), undefined, 7]) {
    const idGenerator = (): string => bad as string
    await t.rejects(new SessionFileStore({ sessionDir, idGenerator }).newSession(), { code: 'SESSION_ID' })
  }
  const longest = new SessionFileStore({ sessionDir, idGenerator: () => 'x'.repeat(1024) })
  t.equal(await longest.getSession(await longest.newSession()), '')
})

t.test('a session that is set aside leaves its bytes, and its id for good', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  const { sesid } = await newSession(store, 'odd')
  const path = pathOf(sessionDir, sesid)
  const bytes = readFileSync(path)
  await store.setAside(store.nameOf(sesid))
  t.equal(await store.getSession(sesid), null)
  const [name = ''] = readdirSync(join(path, '..'))
  t.match(name, /^[0-9a-f]{62}\.\d{13}\.aside$/)
  t.strictSame(readFileSync(join(path, '..', name)), bytes)
})

t.test('more sessions than the cache has room for are all read', async t => {
  const store = newStore(t, { maxSize: 10 * 1024 * 1024 })
  const texts = ['a', 'b'].map(letter => letter.repeat(9 * 1024 * 1024))
  const ids = []
  for (const text of texts) ids.push((await newSession(store, text)).sesid)
  for (const [index, sesid] of ids.entries()) t.ok(await store.getSession(sesid) === texts[index])
})

t.test('what cannot be read in place of the file is an error', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  const other = new SessionFileStore({ sessionDir })
  const sesid = await store.newSession()
  const path = pathOf(sessionDir, sesid)
  await localDisk.unlink(path)
  writeFileSync(join(t.testdirName, 'target'), 'mine')
  symlinkSync(join(t.testdirName, 'target'), path)
  for (const each of [store, other]) {
    await t.rejects(each.getSession(sesid), { name: 'SessionFileError', cause: { code: 'ELOOP' }, message: /symbolic link .* remove it/ })
    await t.rejects(each.putSession(sesid, 'x'), SessionFileError)
    await t.rejects(async () => await each.replace(each.nameOf(sesid), { text: 'x' }, ''), SessionFileError)
  }
  t.equal(readFileSync(join(t.testdirName, 'target'), 'utf8'), 'mine')
  await store.delSession(sesid)
  t.equal(await store.getSession(sesid), null)
  t.equal(readFileSync(join(t.testdirName, 'target'), 'utf8'), 'mine', 'the link was removed, not what it names')
  mkdirSync(path)
  await t.rejects(store.getSession(sesid), { name: 'SessionFileError', message: /directory stands where a session file should be/ })
  await t.rejects(store.delSession(sesid), { name: 'SessionFileError' })
})

t.test('a session that another store took away is gone, also for a store that has its file open', async t => {
  const ways: Record<string, (other: SessionFileStore, sesid: string, path: string) => unknown> = {
    removed: async (other, sesid) => { await other.delSession(sesid) },
    'set aside': async (other, sesid) => { await other.setAside(other.nameOf(sesid)) },
    moved: (_other, _sesid, path) => { renameSync(path, `${path}.moved`) },
    'removed where a backup links to its file': async (other, sesid, path) => {
      linkSync(path, `${path}.backup`)
      await other.delSession(sesid)
    }
  }
  for (const [way, takeAway] of Object.entries(ways)) {
    const sessionDir = sessionDirectory(t)
    const [store, other] = [new SessionFileStore({ sessionDir }), new SessionFileStore({ sessionDir })]
    const { sesid } = await newSession(store, '1')
    await store.putSession(sesid, '2')
    const { version = '' } = await store.read(store.nameOf(sesid)) ?? {}
    const path = pathOf(sessionDir, sesid)
    passTick(path)
    await takeAway(other, sesid, path)
    t.strictSame(await store.replace(store.nameOf(sesid), { text: '3' }, version), { result: 'gone' }, way)
    t.equal(await store.getSession(sesid), null)
    await store.close()
  }
})

t.test('a store that is closed has no descriptor left, however many came to a session at once', { skip: noDescriptorList }, async t => {
  const before = readdirSync('/proc/self/fd').length
  for (let turn = 0; turn < 3; turn++) {
    const store = newStore(t)
    const { sesid } = await newSession(new SessionFileStore({ sessionDir: sessionDirectory(t) }), '1')
    await Promise.all(['2', '3', '4'].map(async text => { await store.putSession(sesid, text) }))
    t.match(await store.getSession(sesid), /[234]/)
    await store.close()
    t.match(await store.getSession(sesid), /[234]/, 'it can be used on')
    await store.close()
  }
  t.equal(readdirSync('/proc/self/fd').length, before)
})
