import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Reindexing } from '../../lib/session/reindexing'
import { JSON_CODEC } from '../../lib/session/codec'
import { FileStore } from '../../lib/store/files/file-store'
import { indexDirectoryName, sessionPath } from '../../lib/store/files/file-names'
import { newLogin } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { departure } from '../../lib/store/moving-marks'
import { headFor, headOf } from '../../lib/store/session-header'
import { sessionHandle } from '../../lib/store/session-id'
import { SessionIndex } from '../../lib/store/session-index'
import type { StoredSession } from '../../lib/store/session-record'
import type { PortableSession } from '../../lib/store/store-abilities'
import { sessionDirectory } from '../support/session-files'

/** A store with sessions of users, and its lists. */
async function begin (t: Test) {
  const sessionDir = sessionDirectory(t)
  const store = new FileStore({ sessionDir })
  await store.open()
  t.teardown(() => store.close())
  const index = new SessionIndex(store)
  const { records } = store.companion()
  let ids = 0
  const login = async (user: number, idleTimeout?: number): Promise<string> => {
    const [label] = index.labels.of('user', user)
    const place = { label, login: newLogin(Date.now()) }
    const name = store.nameOf(`session ${++ids}`)
    if (!await index.entering.enter(name, [place], idleTimeout, undefined)) throw new Error('it was ended')
    await store.create(name, { text: `${headFor({ indexed: { [label]: place.login } })}{"user":${user}}`, idleTimeout })
    if (!await index.entering.confirm(name, [place], Date.now())) throw new Error('it was ended')
    return name
  }
  const listOf = (user: number): string => listName(index.labels.of('user', user)[0])
  const damage = async (user: number, text = 'garbage'): Promise<void> => {
    const { version, idleTimeout } = await records.read(listOf(user)) as StoredSession
    await records.replace(listOf(user), { text, idleTimeout }, version)
  }
  /** Leaves a file without a record, as a power loss may: an empty one, or one of zeros. */
  const empty = (user: number, seconds = 120, isLong = false): void => {
    const path = sessionPath(join(sessionDir, indexDirectoryName('sid')), listOf(user))
    const bytes = readFileSync(path)
    // As another file, of which no store has anything in memory.
    rmSync(path)
    writeFileSync(path, isLong ? bytes.fill(0) : '', { mode: 0o600 })
    const then = statSync(path).mtimeMs / 1000 - seconds
    utimesSync(path, then, then)
  }
  const walk = async (work: (session: PortableSession) => Promise<void>): Promise<boolean> => {
    for await (const session of store.exportSessions()) await work(session)
    return true
  }
  const heal = (walking = walk) => new Reindexing(store, { user: data => data['user'] as number }, JSON_CODEC).run(walking)
  const found = async (user: number): Promise<string[]> => {
    const handles = []
    for await (const { handle } of index.sessionsOf('user', user)) handles.push(handle)
    return handles.sort()
  }
  return { sessionDir, store, index, records, login, listOf, damage, empty, walk, heal, found }
}

const DAMAGED = { code: 'SESSION_INDEX', message: /a list of an index is damaged.*app.reindexSessions\(\).*file-sessions reindex/ }

for (const kind of ['garbage', '[1,"user:x",5]', '[1,5]', 'nothing', 'zeros']) {
  t.test(`a list that is damaged hides no session, and is made anew: ${kind}`, async t => {
    const { store, index, login, damage, empty, heal, found } = await begin(t)
    const [first, second, other] = [await login(42), await login(42, 100_000), await login(7)]
    if (kind === 'nothing' || kind === 'zeros') empty(42, 120, kind === 'zeros')
    else await damage(42, kind)
    const whole = async (): Promise<void> => {
      await t.rejects(found(42), DAMAGED)
      await t.rejects(index.revokeAll('user', 42), DAMAGED)
      await t.rejects(login(42), DAMAGED)
      await t.rejects(index.revoke(sessionHandle(first)), DAMAGED)
      t.match(await index.sweep(), { failed: 1, seen: 1, error: DAMAGED })
    }
    await whole()
    await whole()
    t.strictSame(await found(7), [sessionHandle(other)], 'other lists are well')
    t.match(await heal(), { right: 3, failed: 0 })
    t.strictSame(await found(42), [first, second].map(sessionHandle).sort())
    await login(42)
    t.equal(await index.revokeAll('user', 42), 3)
    t.strictSame(await Promise.all([first, second, other].map(async name => await store.read(name) !== null)), [false, false, true])
  })

  t.test(`a damaged list of which no session is left does not keep the value out for ever: ${kind}`, async t => {
    const { store, login, damage, empty, heal, found, records, listOf } = await begin(t)
    const name = await login(42)
    if (kind === 'nothing' || kind === 'zeros') empty(42, 120, kind === 'zeros')
    else await damage(42, kind)
    await store.remove(name)
    t.match(await heal(), { failed: 0 })
    t.equal(await records.read(listOf(42)), null)
    const again = await login(42)
    t.strictSame(await found(42), [sessionHandle(again)])
  })

  t.test(`clear() is not stopped by a damaged list: ${kind}`, async t => {
    const { index, store, login, damage, empty, records, listOf } = await begin(t)
    await login(42)
    if (kind === 'nothing' || kind === 'zeros') empty(42, 120, kind === 'zeros')
    else await damage(42, kind)
    await store.clear()
    await index.clear()
    t.equal(await records.read(listOf(42)), null)
    await login(42)
  })
}

t.test('a list that is damaged while sessions are gone through is made anew as well', async t => {
  const { login, damage, heal, walk, found, index } = await begin(t)
  const names = [await login(42), await login(42), await login(7)]
  let walks = 0
  const counts = await heal(async work => {
    if (++walks === 1) await damage(42)
    return await walk(work)
  })
  t.match(counts, { right: 3, entered: 0, failed: 0, error: undefined })
  t.equal(walks, 2)
  t.strictSame(await found(42), names.slice(0, 2).map(sessionHandle).sort())
  t.equal(await index.revokeAll('user', 42), 2)
})

t.test('a list that is damaged again and again is told of', async t => {
  const { login, damage, heal, walk, found } = await begin(t)
  await login(42)
  let walks = 0
  const counts = await heal(async work => {
    if (++walks === 1) await damage(42)
    await walk(work)
    return walks === 1
  })
  t.match(counts, { right: 0, failed: 2, error: { message: /not all sessions could be looked at/ } })
  await t.rejects(found(42), DAMAGED)
})

t.test('a list is not made anew of a part of the sessions', async t => {
  const { login, damage, heal, walk, found } = await begin(t)
  await login(42)
  await damage(42)
  t.match(await heal(async work => { await walk(work); return false }), { failed: 2, right: 0, error: { message: /not all sessions could be looked at/ } })
  await t.rejects(found(42), DAMAGED)
})

t.test('a list that was emptied a moment ago may be one that another process makes', async t => {
  const { login, empty, heal } = await begin(t)
  await login(42)
  empty(42, 0)
  await t.rejects(heal(), { code: 'SESSION_INDEX', message: /in a minute/ })
})

t.test('a list that another process has made anew meanwhile is completed', async t => {
  const { index, login, damage, walk, found } = await begin(t)
  const [first, second] = [await login(42), await login(42)]
  await damage(42)
  const [one, other] = [index.repair(), index.repair()]
  for (const repair of [one, other]) {
    t.equal(await repair.begin(), true)
    await walk(async ({ name, idleTimeout, text }) => {
      if (repair === other || name === first) repair.collect(name, placesOf(text), idleTimeout)
    })
  }
  await one.finish()
  t.strictSame(await found(42), [sessionHandle(first)])
  await other.finish()
  await other.finish()
  t.strictSame(await found(42), [first, second].map(sessionHandle).sort())

  function placesOf (text: string): Array<{ label: string, login: string }> {
    return Object.entries((JSON.parse(text.slice(6, text.indexOf('\n'))) as { indexed: Record<string, string> }).indexed).map(([label, login]) => ({ label, login }))
  }
})

t.test('a list that has lost its sessions gets them back, but none that is being ended', async t => {
  const { index, records, login, listOf, heal, found } = await begin(t)
  const [name, other] = [await login(42), await login(7)]
  await records.remove(listOf(42))
  t.strictSame(await found(42), [])
  t.match(await heal(), { entered: 1, right: 1 })
  t.match(await heal(), { entered: 0, right: 2 })
  t.strictSame(await found(42), [sessionHandle(name)])
  const list = await records.read(listOf(7)) as StoredSession
  await records.replace(listOf(7), { text: list.text.replace(/,0\]\]$/, ',1]]') }, list.version)
  t.match(await heal(), { entered: 0, right: 2 })
  t.match(await index.sweep(), { failed: 0 })
  t.strictSame(await found(7), [], other)
})

t.test('a list that was written under a shorter idle timeout of the store is written again', async t => {
  const { sessionDir, records, login, listOf, walk, damage } = await begin(t)
  const longer = new FileStore({ sessionDir, idleTimeout: 100_000 })
  t.teardown(() => longer.close())
  const lifeOf = async (user: number): Promise<number | undefined> => (await records.read(listOf(user)))?.idleTimeout
  await login(42)
  t.equal(await lifeOf(42), 7800)
  t.match(await new Reindexing(longer, {}, JSON_CODEC).run(walk), { right: 1, failed: 0 })
  t.equal(await lifeOf(42), 100_600, 'by reindexing')
  await login(7)
  const index = new SessionIndex(longer)
  await index.entering.keepAlive(index.labels.of('user', 7))
  t.equal(await lifeOf(7), 100_600, 'by a touch')
  await login(8)
  await damage(8)
  const damaged = await records.read(listOf(8))
  await index.entering.keepAlive(index.labels.of('user', 8))
  t.equal((await records.read(listOf(8)))?.version, damaged?.version, 'not one that is damaged')
  const endless = new FileStore({ sessionDir, idleTimeout: 2 ** 32 })
  t.teardown(() => endless.close())
  await login(9)
  await new SessionIndex(endless).entering.keepAlive(index.labels.of('user', 9))
  const longest = await records.read(listOf(9))
  t.equal(longest?.idleTimeout, 2 ** 32 - 1)
  await new SessionIndex(endless).entering.keepAlive(index.labels.of('user', 9))
  t.equal((await records.read(listOf(9)))?.version, longest?.version, 'once')
})

t.test('a damaged list that has expired, or is well again, when it is to be made anew', async t => {
  const { index, records, login, listOf, damage, found } = await begin(t)
  const [first, other] = [await login(42), await login(7)]
  const places = { 42: index.labels.of('user', 42)[0], 7: index.labels.of('user', 7)[0] }
  const whole = await records.read(listOf(7)) as StoredSession
  await damage(42)
  await damage(7)
  const repair = index.repair()
  await repair.begin()
  repair.collect(first, [{ label: places[42], login: 'one' }], undefined)
  repair.collect(first, [{ label: places[42], login: 'two' }], 100_000)
  await records.remove(listOf(42))
  const { version } = await records.read(listOf(7)) as StoredSession
  await records.replace(listOf(7), { text: whole.text }, version)
  await repair.finish()
  t.equal((await records.read(listOf(42)))?.idleTimeout, 100_600)
  t.strictSame(await found(7), [sessionHandle(other)])
})

t.test('a session that two processes put back is entered once; one of a login that was ended is not', async t => {
  const { index, records, login, listOf, found } = await begin(t)
  const name = await login(42)
  const [label] = index.labels.of('user', 42)
  const [tag = ''] = (JSON.parse((await records.read(listOf(42)))?.text ?? '') as [number, string, string[]])[2].slice(1)
  await records.remove(listOf(42))
  const repair = index.repair()
  await Promise.all([1, 2].map(() => repair.putBack(name, [{ label, login: tag }], undefined)))
  t.strictSame(await found(42), [sessionHandle(name)])
  t.equal(await index.revokeAll('user', 42), 1)
  await index.entering.enter(name, [{ label, login: tag }], undefined, undefined)
  const list = await records.read(listOf(42)) as StoredSession
  await records.replace(listOf(42), { text: list.text.replace(/,0\]\]$/, ',1]]') }, list.version)
  t.equal(await repair.putBack('0'.repeat(64), [{ label, login: tag }], undefined), false)
})

t.test('encrypted sessions, and those that are on their way to another store, are put back by their headers', async t => {
  const { store, index, records, login, listOf, damage, heal, found } = await begin(t)
  const [name, moving] = [await login(42), await login(42)]
  const [label] = index.labels.of('user', 42)
  const encrypted = await store.read(name) as StoredSession
  await store.replace(name, { text: `${headOf(encrypted.text)}$ffs1$-$AAAA` }, encrypted.version)
  const { text, version } = await store.read(moving) as StoredSession
  await store.replace(moving, { text: departure('1'.repeat(32), text) }, version)
  await records.remove(listOf(42))
  t.match(await heal(), { entered: 1, encrypted: 0, moving: 1 })
  await damage(42)
  t.match(await heal(), { entered: 0, encrypted: 1, moving: 1 })
  t.equal(label, index.labels.of('user', 42)[0])
  t.strictSame(await found(42), [sessionHandle(name)])
  t.match((await records.read(listOf(42)))?.text, sessionHandle(moving))
})

t.test('a list of a newer version is neither damaged nor removed', async t => {
  const { index, records, login, damage, listOf, heal } = await begin(t)
  await login(42)
  await damage(42, '[2,"user:x"]')
  const newer = { code: 'SESSION_INDEX', message: /newer version/ }
  t.match(await heal(), { failed: 1, error: newer })
  await t.rejects(index.clear(), newer)
  t.match(await records.read(listOf(42)), { text: '[2,"user:x"]' })
})

t.test('a list that other processes change all the time is given up', async t => {
  const { index, store, login, damage } = await begin(t)
  await login(42)
  await damage(42)
  const companion = store.companion()
  companion.records.replace = async () => ({ result: 'conflict' })
  Object.assign(store, { companion: () => companion })
  const repair = new SessionIndex(store).repair()
  await repair.begin()
  await t.rejects(repair.finish(), { code: 'SESSION_CONFLICT' })
  await index.sweep()
})
