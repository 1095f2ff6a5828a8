import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { batches, IndexEnding, marked, STALE, without } from '../../lib/store/index-ending'
import { newLogin, type IndexEntry } from '../../lib/store/index-entry'
import { IndexLists } from '../../lib/store/index-lists'
import { headFor } from '../../lib/store/session-header'
import { randomId, sessionHandle } from '../../lib/store/session-id'
import { Shared, SharedRecords } from '../support/indexed-records'

const LABEL = 'user:x'

/** Sessions of one label, with the list of their entries: those of the first are marked, and so many more are not. */
async function begin (t: Test, ended = 1, others = 1) {
  const shared = new Shared()
  const store = new SharedRecords(shared, 'sessions', 0, async () => {}, randomId)
  const companion = store.companion()
  const lists = new IndexLists(companion, async () => {})
  const ending = new IndexEnding(store, companion.latest, lists, () => shared.now)
  const entries: IndexEntry[] = []
  const names: string[] = []
  for (let at = 0; at < ended + others; at++) {
    const [name, login] = [store.nameOf(`id ${at}`), newLogin(shared.now)]
    names.push(name)
    entries.push({ handle: sessionHandle(name), login, at: shared.now, isEnded: at < ended, about: undefined })
    await store.create(name, { text: `${headFor({ indexed: { [LABEL]: login } })}{}` })
  }
  await lists.change(LABEL, () => entries)
  const events: unknown[] = []
  const listener = (event: unknown): void => { events.push(event) }
  subscribe('fastify-file-sessions:ended', listener)
  t.teardown(() => { unsubscribe('fastify-file-sessions:ended', listener) })
  const living = async (): Promise<boolean[]> => await Promise.all(names.map(async name => await store.read(name) !== null))
  return { shared, store, lists, ending, entries, names, events, living }
}

t.test('sessions whose entries are marked end, and no others', async t => {
  const { lists, ending, entries, names, events, living } = await begin(t, 2, 2)
  t.strictSame(await ending.finish(LABEL, entries, 'revoked'), new Set([entries[0]?.login, entries[1]?.login]))
  t.strictSame(await living(), [false, false, true, true])
  t.strictSame(await lists.read(LABEL), entries.slice(2), 'their entries go')
  t.strictSame(events, names.slice(0, 2).map(name => ({ appid: 'sid', session: sessionHandle(name), reason: 'revoked' })))
  t.strictSame(await ending.finish(LABEL, entries.slice(2), 'revoked'), new Set())
})

t.test('a session that has the label by another login, or not any more, stays', async t => {
  const { shared, store, lists, ending, entries, names, living } = await begin(t, 2)
  for (const [at, indexed] of [[0, { [LABEL]: newLogin(1) }], [1, {}]] as const) {
    const { version } = await store.read(names[at] as string) as { version: string }
    await store.replace(names[at] as string, { text: `${headFor({ indexed })}{}` }, version)
  }
  t.strictSame(await ending.finish(LABEL, entries, 'revoked'), new Set())
  t.strictSame(await living(), [true, true, true])
  t.equal((await lists.read(LABEL)).length, 3, 'a process may be about to store the session of the login')
  shared.now += STALE + 1
  await ending.finish(LABEL, entries, 'revoked')
  t.equal((await lists.read(LABEL)).length, 1, 'it is not any more')
})

t.test('a session that is saved while it is to end ends all the same', async t => {
  const { store, ending, entries, names, living } = await begin(t)
  const { remove } = store
  let saves = 0
  store.remove = async (name, version) => {
    if (saves++ < 2) {
      const { text, version } = await store.read(name) as { text: string, version: string }
      await store.replace(name, { text: `${text} ` }, version)
    }
    return await remove.call(store, name, version)
  }
  t.strictSame(await ending.finish(LABEL, entries, 'revoked'), new Set([entries[0]?.login]))
  t.strictSame(await living(), [false, true])
  t.equal(await store.read(names[0] as string), null)
})

t.test('the twin of the login that has won ends without an event', async t => {
  const { ending, entries, events, living } = await begin(t, 2, 0)
  const [winner, twin] = [newLogin(1, 'a session'), newLogin(2, 'a session')]
  t.strictSame(await ending.finish(LABEL, entries, 'limit', [LABEL], winner), new Set(entries.map(({ login }) => login)))
  t.match(events, [{ reason: 'limit' }, { reason: 'limit' }])
  t.strictSame(await living(), [false, false])
  const next = await begin(t, 1, 0)
  const [entry] = next.entries as [IndexEntry]
  const { version } = await next.store.read(next.names[0] as string) as { version: string }
  await next.store.replace(next.names[0] as string, { text: `${headFor({ indexed: { [LABEL]: twin } })}{}` }, version)
  t.strictSame(await next.ending.finish(LABEL, [{ ...entry, login: twin }], 'limit', [LABEL], winner), new Set([twin]))
  t.strictSame(next.events, [])
})

t.test('a session that cannot be removed keeps no other from its end; many are a store that is down', async t => {
  const { store, ending, entries, names, lists, living } = await begin(t, 3, 0)
  const { remove } = store
  store.remove = async (name, version) => {
    if (name === names[0]) throw new Error('the disk fails')
    return await remove.call(store, name, version)
  }
  await t.rejects(ending.finish(LABEL, entries, 'revoked'), { message: 'the disk fails' })
  t.strictSame(await living(), [true, false, false])
  t.strictSame(await lists.read(LABEL), entries.slice(0, 1), 'its mark stays')
  const many = await begin(t, 40, 0)
  let asked = 0
  many.store.remove = async () => { asked++; throw new Error('down') }
  await t.rejects(many.ending.finish(LABEL, many.entries, 'revoked'), { message: 'down' })
  t.equal(asked, 16)
})

t.test('the session of an entry is one with a label by its login', async t => {
  const { ending, entries, store } = await begin(t, 0, 1)
  const [entry] = entries as [IndexEntry]
  t.match(await ending.sessionOf([LABEL], entry), { text: /\{\}$/ })
  t.match(await ending.sessionOf(['other', LABEL], entry), { text: /\{\}$/ })
  t.equal(await ending.sessionOf(['other'], entry), null)
  t.equal(await ending.sessionOf([LABEL], { ...entry, login: 'other' }), null)
  t.equal(await ending.sessionOf([LABEL], { ...entry, handle: sessionHandle(store.nameOf('never there')) }), null)
})

t.test('entries are taken out and marked by handle and login, and null says that nothing is to change', async t => {
  const [one, other] = (await begin(t, 0, 2)).entries as [IndexEntry, IndexEntry]
  t.strictSame(without([one, other], [other]), [one])
  t.equal(without([one], [other, { ...one, login: 'another' }]), null)
  t.strictSame(marked([one, other], entry => entry === other), [one, { ...other, isEnded: true }])
  t.equal(marked([one], () => false), null)
  t.equal(marked([{ ...one, isEnded: true }], () => true), null)
  t.strictSame([...batches([])], [])
  t.strictSame([...batches(Array.from({ length: 33 }, (_, at) => at))].map(({ length }) => length), [16, 16, 1])
})
