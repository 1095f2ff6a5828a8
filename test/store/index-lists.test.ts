import t from 'tap'
import { DamagedList, decodeList, encodeList, newLogin, type IndexEntry } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { IndexLists, LONGEST_LIST, MARGIN, NO_LONGER } from '../../lib/store/index-lists'
import { SessionIndex } from '../../lib/store/session-index'
import type { Companion, PortableSession } from '../../lib/store/store-abilities'
import { sessionHandle } from '../../lib/store/session-id'
import { indexedStore } from '../support/indexed-store'
import { MemoryStore } from '../support/map-store'

/** Seconds. */
const IDLE_TIMEOUT = 1000
const LABEL = 'user:x'
const NAME = listName(LABEL)

/** Records of lists, in memory. */
class ListRecords extends MemoryStore {
  async * exportSessions (): AsyncGenerator<PortableSession, void> {
    for (const [name, { record: { text } }] of this.entries) yield { name, text, idleTimeout: undefined, createdAt: 1, lastAccess: 1 }
  }
}

function emptyLists (): { lists: IndexLists, records: ListRecords, pauses: number[] } {
  const records = new ListRecords()
  const pauses: number[] = []
  const companion = { records, idleTimeout: IDLE_TIMEOUT, latest: async () => null } as unknown as Companion
  return { lists: new IndexLists(companion, async milliseconds => { pauses.push(milliseconds) }), records, pauses }
}

const entryOf = (digit: string): IndexEntry => ({ handle: sessionHandle(digit.repeat(64)), login: newLogin(1000), at: 1000, isEnded: false, about: undefined })
const [ONE, OTHER] = [entryOf('1'), entryOf('2')]

t.test('a list is made with its first entry, changed, and gone with its last', async t => {
  const { lists, records } = emptyLists()
  t.strictSame(await lists.read(LABEL), [])
  t.strictSame(await lists.change(LABEL, entries => [...entries, ONE]), [ONE])
  t.strictSame(await lists.change(LABEL, async entries => [...entries, OTHER]), [ONE, OTHER])
  t.strictSame(await lists.read(LABEL), [ONE, OTHER])
  t.strictSame(decodeList((await records.read(NAME))?.text ?? '').label, LABEL)
  t.strictSame(await lists.change(LABEL, () => null), [ONE, OTHER], 'nothing is to change')
  t.strictSame(await lists.change(LABEL, () => []), [])
  t.equal(records.entries.size, 0)
  t.strictSame(await lists.change(LABEL, () => []), [], 'there is none to remove')
})

t.test('after a conflict the change is made again of what is there then', async t => {
  const { lists, records, pauses } = emptyLists()
  await lists.change(LABEL, () => [ONE])
  let count = 0
  const after = await lists.change(LABEL, entries => {
    if (count++ < 5) records.write(NAME, { text: encodeList({ label: LABEL, entries: [ONE] }) })
    return [...entries, OTHER]
  })
  t.strictSame(after, [ONE, OTHER])
  t.equal(count, 6)
  t.equal(pauses.length, 2, 'first without a pause')
  let removals = 0
  t.strictSame(await lists.change(LABEL, () => {
    if (removals++ === 0) records.write(NAME, { text: encodeList({ label: LABEL, entries: [ONE] }) })
    return []
  }), [])
  t.equal(removals, 2, 'also when nothing is to be left of it')
})

t.test('changes of one list by one process do not meet', async t => {
  const { lists, records } = emptyLists()
  const add = async (entry: IndexEntry) => await lists.change(LABEL, entries => [...entries, entry])
  await Promise.all([add(ONE), add(OTHER)])
  t.strictSame(records.calls, ['read', 'create', 'read', 'replace'])
})

t.test('a list that other processes change all the time is given up', async t => {
  const { store, label } = await indexedStore(t)
  const companion = store.companion()
  companion.records.create = async () => ({ result: 'taken' })
  Object.assign(store, { companion: () => companion })
  const index = new SessionIndex(store, Date.now, async () => {})
  await t.rejects(index.entering.enter(store.nameOf('id'), [{ label, login: newLogin(0) }], undefined, undefined), { code: 'SESSION_CONFLICT' })
})

t.test('a list outlives the sessions in it', async t => {
  const { lists, records } = emptyLists()
  const life = async (): Promise<number | undefined> => (await records.read(NAME))?.idleTimeout
  await lists.change(LABEL, () => [ONE], 50)
  t.equal(await life(), 50 + MARGIN)
  await lists.change(LABEL, () => [ONE, OTHER])
  t.equal(await life(), IDLE_TIMEOUT + MARGIN, 'the timeout of the store')
  await lists.change(LABEL, () => [ONE], 50)
  t.equal(await life(), IDLE_TIMEOUT + MARGIN, 'as long as before for the others')
  await lists.change(LABEL, () => [ONE], NO_LONGER)
  t.equal(await life(), IDLE_TIMEOUT + MARGIN)
  t.equal(await lists.lengthen(LABEL, IDLE_TIMEOUT), false)
  t.equal(await lists.lengthen(LABEL, 5000), true)
  t.equal(await life(), 5000 + MARGIN)
  t.strictSame(await lists.read(LABEL), [ONE])
  t.equal(await lists.lengthen('user:none'), false)
})

t.test('a touch writes a list again that was written under a shorter timeout, and tells of marks', async t => {
  const { lists, records } = emptyLists()
  await lists.change(LABEL, () => [ONE], 50)
  records.calls.length = 0
  t.strictSame(await lists.touch(LABEL), [], 'no login is ended')
  t.equal((await records.read(NAME))?.idleTimeout, IDLE_TIMEOUT + MARGIN)
  t.notOk(records.calls.includes('touch'))
  const marked = { ...ONE, isEnded: true }
  await lists.change(LABEL, () => [marked])
  t.strictSame(await lists.touch(LABEL), [marked])
  t.ok(records.calls.includes('touch'))
  records.write(NAME, { text: 'damaged,1]', idleTimeout: 1 })
  t.strictSame(await lists.touch(LABEL), [])
  t.equal((await records.read(NAME))?.text, 'damaged,1]', 'what cannot be read is left alone')
})

t.test('all lists are found, and what cannot be read with its error', async t => {
  const { lists, records } = emptyLists()
  await lists.change(LABEL, () => [ONE])
  records.write(listName('user:y'), { text: 'damaged' })
  records.write(listName('user:z'), { text: '[2,"user:z"]' })
  const found = []
  for await (const each of lists.all()) found.push(each)
  t.strictSame(found[0], { name: NAME, list: { label: LABEL, entries: [ONE] } })
  t.match(found.slice(1), [{ list: null, error: DamagedList }, { list: null, error: { code: 'SESSION_INDEX', message: /newer version/ } }])
  await t.rejects(lists.read('user:y'), DamagedList)
  await t.rejects(lists.change('user:y', entries => [...entries, ONE]), DamagedList)
})

t.test('a list is restored in place of a damaged one, and completed where it is whole', async t => {
  const { lists, records } = emptyLists()
  records.write(NAME, { text: 'damaged' })
  await lists.restore(NAME, { label: LABEL, entries: [ONE] }, 50)
  t.strictSame(await lists.read(LABEL), [ONE])
  t.equal((await records.read(NAME))?.idleTimeout, 50 + MARGIN)
  await lists.restore(NAME, { label: LABEL, entries: [ONE, OTHER] })
  t.strictSame(await lists.read(LABEL), [ONE, OTHER])
  await lists.restore(NAME, { label: LABEL, entries: [] })
  t.strictSame(await lists.read(LABEL), [ONE, OTHER], 'no entry is taken out')
  records.write(NAME, { text: 'damaged' })
  await lists.restore(NAME, { label: LABEL, entries: [] })
  t.equal(records.entries.size, 0, 'an empty list is not kept')
  await lists.restore(NAME, { label: LABEL, entries: [ONE] })
  t.strictSame(await lists.read(LABEL), [ONE], 'also where there is none any more')
})

t.test('a list may be long', async t => {
  t.ok(LONGEST_LIST > 400_000 * encodeList({ label: LABEL, entries: [ONE] }).length)
})
