import diagnosticsChannel from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { SessionStoreError } from '../../lib/errors'
import { JSON_CODEC, SessionText } from '../../lib/session/codec'
import { Indexing, type SettledIndexes } from '../../lib/session/indexing'
import { moveSession } from '../../lib/session/move'
import { headerOf, type PlainRecord, type SessionKey } from '../../lib/session/opened-session'
import { renewSession } from '../../lib/session/renewal'
import { SessionRecords } from '../../lib/session/session-records'
import { FileStore } from '../../lib/store/files/file-store'
import { sessionHandle } from '../../lib/store/session-id'
import { placesIn, registerIndex, SessionIndex } from '../../lib/store/session-index'
import type { StoredSession } from '../../lib/store/session-record'
import type { Companion } from '../../lib/store/store-abilities'
import { sessionDirectory } from '../support/session-files'

const SETTLED: SettledIndexes = { indexes: { user: data => data['user'] as number }, maxPerValue: { user: 1 }, onLimit: 'end-oldest' }

/** Processes that share a directory. */
function processes (t: Test, count: number, settled: Partial<SettledIndexes> = {}, alter = (companion: Companion): Companion => companion) {
  const sessionDir = sessionDirectory(t)
  return Array.from({ length: count }, () => {
    const store = new FileStore({ sessionDir })
    t.teardown(() => store.close())
    const companion = alter(store.companion())
    Object.assign(store, { companion: () => companion })
    const index = new SessionIndex(store)
    registerIndex(store, index)
    return { store, index, records: new SessionRecords(store, store.cipher, new Indexing(store, { ...SETTLED, ...settled }, new SessionText(JSON_CODEC))) }
  }) as [Process, Process, Process?]
}

interface Process { store: FileStore, index: SessionIndex, records: SessionRecords }

/** A session of a visitor who has not logged in. */
async function visited ({ store, records }: Process): Promise<SessionKey> {
  await store.open()
  const key = await records.newKey()
  await records.create(key, { text: '{"cart":1}' })
  return key
}

/** A login that calls for a new id. */
async function logIn ({ records }: Process, from: SessionKey, text = '{"user":42}') {
  return await moveSession(records, from, null, newest => ({ text, header: headerOf(newest) }))
}

/** Has `between` come before the end of the old session, once. */
function beforeItsEnd ({ store }: Process, between: () => Promise<unknown>): void {
  const { remove } = store
  let calls = 0
  store.remove = async (...call) => {
    if (++calls === 1) await between()
    return await remove.apply(store, call)
  }
}

async function handlesOf ({ index }: Process): Promise<string[]> {
  const handles: string[] = []
  for await (const { handle } of index.sessionsOf('user', 42)) handles.push(handle)
  return handles
}

for (const onLimit of ['end-oldest', 'refuse'] as const) {
  t.test(`a form that is sent twice, to two processes, logs its visitor in once: ${onLimit}`, async t => {
    const [one, other] = processes(t, 2, { onLimit })
    const from = await visited(one)
    let second: Awaited<ReturnType<typeof logIn>> = null
    beforeItsEnd(one, async () => { second = await logIn(other, from) })
    t.equal(await logIn(one, from), null)
    const { to } = second as unknown as { to: SessionKey }
    t.equal((await one.records.read(to))?.text, '{"user":42}')
    t.equal((await handlesOf(one)).length, 1)
    const next = await visited(one)
    if (onLimit === 'refuse') await t.rejects(logIn(other, next), { code: 'SESSION_LIMIT' })
    else t.ok(await logIn(other, next))
    t.equal((await handlesOf(one)).length, 1)
    t.equal(await one.records.read(to) === null, onLimit === 'end-oldest')
  })
}

t.test('a login that is revoked when its session takes the place of the former one has ended', async t => {
  const [one, other] = processes(t, 2)
  const from = await visited(one)
  beforeItsEnd(one, async () => { t.equal(await other.index.revokeAll('user', 42), 1) })
  t.equal(await logIn(one, from), null)
  t.strictSame(await handlesOf(one), [])
  t.equal(await one.index.revokeAll('user', 42), 0)
})

t.test('so is one of a session that enters an index when its id is renewed', async t => {
  const [one, other] = processes(t, 2)
  const store = one.store
  await store.open()
  const key = await one.records.newKey()
  await store.create(key.name, { text: '{"user":42}' })
  const base = await one.records.read(key) as StoredSession
  const renewed = ({ text }: StoredSession): PlainRecord => ({ text })
  const replace = store.replace.bind(store)
  Object.assign(store, {
    replaceNow: () => undefined,
    replace: async (...call: Parameters<typeof replace>) => {
      t.equal(await other.index.revokeAll('user', 42), 1)
      return await replace(...call)
    }
  })
  t.equal(await renewSession(one.records, key, base, renewed, 10), null)
  t.equal(await one.records.find(key), null)
})

/** Has so many reads of lists fail from the end of the old session on. */
function failingLists (t: Test, failures: number) {
  let left = 0
  const [one, other] = processes(t, 2, {}, companion => {
    const read = companion.records.read.bind(companion.records)
    companion.records.read = async name => {
      if (left-- > 0) throw Object.assign(new Error('the disk fails'), { code: 'EIO' })
      return await read(name)
    }
    return companion
  })
  beforeItsEnd(one, async () => { left = failures })
  return { one, other, mend: () => { left = 0 } }
}

t.test('a login whose list fails once when its move is won ends the sessions that are too many all the same', async t => {
  const { one, other } = failingLists(t, 1)
  const [device, from] = [await visited(other), await visited(one)]
  const ended = (await logIn(other, device))?.to as SessionKey
  const { to } = await logIn(one, from) ?? {}
  t.equal((await other.records.read(to as SessionKey))?.text, '{"user":42}')
  t.equal(to?.unsettled, undefined)
  t.equal(await one.records.read(ended), null)
  t.equal((await handlesOf(one)).length, 1)
})

t.test('a login that cannot end the sessions that are too many keeps its own, and the next login ends them', async t => {
  const { one, other, mend } = failingLists(t, Infinity)
  const [device, from, last] = [await visited(other), await visited(one), await visited(other)]
  const stays = (await logIn(other, device))?.to as SessionKey
  const { to } = await logIn(one, from) ?? {}
  mend()
  t.match(to?.unsettled, { code: 'EIO' })
  t.equal((await one.records.read(to as SessionKey))?.text, '{"user":42}')
  t.ok(await one.records.read(stays))
  t.ok(await logIn(other, last))
  t.equal((await handlesOf(one)).length, 1)
})

t.test('revokeAll ends a login that could not end the sessions that are too many', async t => {
  const { one, other, mend } = failingLists(t, Infinity)
  const from = await visited(one)
  const { to } = await logIn(one, from) ?? {}
  mend()
  t.equal(await other.index.revokeAll('user', 42), 1)
  t.equal(await one.records.read(to as SessionKey), null)
})

t.test('replicas that do not know of the end are told of when the login is revoked meanwhile', async t => {
  const [one, other] = processes(t, 2)
  const from = await visited(one)
  const { remove } = one.store
  const unconfirmed = new SessionStoreError('too few replicas know', { outcome: 'unconfirmed' })
  one.store.remove = async (name, version) => {
    if (name !== from.name) return await remove.call(one.store, name, version)
    if (await remove.call(one.store, name, version) === 'removed') {
      t.equal(await other.index.revokeAll('user', 42), 1)
      throw unconfirmed
    }
    return 'gone'
  }
  await t.rejects(logIn(one, from), unconfirmed)
  t.strictSame(await handlesOf(one), [])
})

t.test('a session that changes while it moves, and keeps its text, enters the index of the login', async t => {
  const [one, other] = processes(t, 2)
  const from = await visited(one)
  beforeItsEnd(one, async () => {
    const base = await other.records.read(from) as StoredSession
    t.match(await other.records.replace(from, { text: '{"cart":2}' }, base), { result: 'replaced' })
  })
  const to = (await logIn(one, from))?.to as SessionKey
  t.ok(await other.records.read(to))
  t.equal(await other.index.revokeAll('user', 42), 1)
  t.equal(await one.records.read(to), null)
})

t.test('a device stays that is not too many when a form is sent twice', async t => {
  const [one, other] = processes(t, 2, { maxPerValue: { user: 2 } })
  const [device, from] = [await visited(other), await visited(one)]
  const stays = (await logIn(other, device))?.to as SessionKey
  const { remove } = other.store
  // The second loses, and dies before it can take its session back.
  other.store.remove = async (name, version) => version === undefined ? 'gone' : await remove.call(other.store, name, version)
  beforeItsEnd(other, async () => { t.ok(await logIn(one, from)) })
  t.equal(await logIn(other, from), null)
  t.ok(await one.records.read(stays))
  t.equal((await handlesOf(one)).length, 2)
})

for (const onLimit of ['end-oldest', 'refuse'] as const) {
  t.test(`a form that another visitor sends twice counts once: ${onLimit}`, async t => {
    const [one, other, third] = processes(t, 3, { maxPerValue: { user: 2 }, onLimit })
    const [from, device] = [await visited(one), await visited(other)]
    let stays: Awaited<ReturnType<typeof logIn>> = null
    let second: ReturnType<typeof logIn> | undefined
    beforeItsEnd(one, async () => await new Promise<void>(resolve => {
      // Both sessions of the form are stored, and neither has won.
      beforeItsEnd(other, async () => {
        stays = await logIn(third as Process, device)
        resolve()
        await first
      })
      second = logIn(other, from)
    }))
    const first = logIn(one, from)
    t.ok(await first)
    t.equal(await second, null)
    t.ok(await one.records.read((stays as unknown as { to: SessionKey }).to))
    t.equal((await handlesOf(one)).length, 2)
  })
}

t.test('no event tells of the session of a form that was sent twice and lost', async t => {
  const events: unknown[] = []
  const listener = (event: unknown): void => { events.push(event) }
  diagnosticsChannel.subscribe('fastify-file-sessions:ended', listener)
  t.teardown(() => { diagnosticsChannel.unsubscribe('fastify-file-sessions:ended', listener) })
  const [one, other] = processes(t, 2)
  const [device, from] = [await visited(other), await visited(one)]
  const ended = (await logIn(other, device))?.to as SessionKey
  beforeItsEnd(one, async () => { t.ok(await logIn(other, from)) })
  t.equal(await logIn(one, from), null)
  t.strictSame(events, [{ appid: 'sid', session: sessionHandle(ended.name), reason: 'limit' }])
})

t.test('a form that is sent twice is ended as a whole by a login that wins meanwhile', async t => {
  const [one, other, third] = processes(t, 3)
  const [from, device] = [await visited(one), await visited(other)]
  beforeItsEnd(one, async () => {
    beforeItsEnd(other, async () => { t.ok(await logIn(third as Process, device)) })
    t.equal(await logIn(other, from), null)
  })
  t.equal(await logIn(one, from), null)
  t.equal((await handlesOf(one)).length, 1)
})

for (const isListed of [true, false]) {
  t.test(`a device list shows of a renewed session what ${isListed ? 'the list says' : 'the request says, where no list does any more'}`, async t => {
    const [{ store, index, records }] = processes(t, 1)
    await store.open()
    const key = await records.newKey()
    await records.create(key, { text: '{"user":42}', about: () => ({ from: 'the login' }) })
    const base = await records.read(key) as StoredSession
    if (!isListed) await index.entering.leave(key.name, placesIn(headerOf(base)))
    const renewed = (newest: StoredSession): PlainRecord => ({ text: newest.text, header: { ...headerOf(newest), renewedAt: 1 } })
    t.ok(await renewSession(records, { ...key, about: () => ({ from: 'the request' }) }, base, renewed, 10))
    const found = []
    for await (const { about } of index.sessionsOf('user', 42)) found.push(about)
    t.strictSame(found, [{ from: isListed ? 'the login' : 'the request' }])
  })
}
