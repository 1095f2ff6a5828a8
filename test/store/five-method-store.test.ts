import t from 'tap'
import { SessionError } from '../../lib/errors'
import { FiveMethodStore } from '../../lib/store/five-method-store'
import { hasRecords, isDated, isImmediate, isIterable, isReadable, isReapable } from '../../lib/store/features'
import type { DatedSession } from '../../lib/store/store-abilities'
import { MapStore } from '../support/map-store'

const trouble = new SessionError('SESSION_FILE', 'no')
const refuse = (): never => { throw trouble }

/** A session in the store, as a request makes one. */
async function create (store: FiveMethodStore, text: string, idleTimeout?: number): Promise<string> {
  const sesid = await store.newId()
  t.strictSame(await store.create(store.nameOf(sesid), { text, idleTimeout }), { result: 'created', version: text })
  return sesid
}

t.test('the five methods are the store\'s own', async t => {
  const store = new MapStore('mine')
  const all = new FiveMethodStore(store)
  t.equal(all.sesAppid(), 'mine')
  const sesid = await all.newSession()
  t.equal(await all.getSession(sesid), '')
  await all.putSession(sesid, 'text', { idleTimeout: 5 })
  t.equal(await all.getSession(sesid), 'text')
  t.strictSame(store.putOptions.get(sesid), { idleTimeout: 5 })
  await all.delSession(sesid)
  t.equal(await all.getSession(sesid), null)
  t.strictSame(store.calls, ['newSession', 'getSession', 'putSession', 'getSession', 'delSession', 'getSession'])
})

t.test('it has records, and declares nothing that the store has not', async t => {
  const all = new FiveMethodStore(new MapStore())
  t.equal(hasRecords(all), true)
  t.strictSame([isDated, isImmediate, isIterable, isReadable, isReapable].map(has => has(all)), [false, false, false, false, false])
  await all.open()
  await all.close()
})

t.test('create and read', async t => {
  const store = new MapStore()
  const all = new FiveMethodStore(store)
  const sesid = await create(all, 'text', 7)
  t.strictSame(store.ids, [sesid])
  t.equal(all.nameOf(sesid), `id:${sesid}`)
  t.strictSame(await all.read(all.nameOf(sesid)), {
    text: 'text', version: 'text', idleTimeout: undefined, createdAt: undefined, touchDue: false, idleLeft: undefined
  })
  t.strictSame(store.putOptions.get(sesid), { idleTimeout: 7 })
  t.equal(await all.read(all.nameOf('unknown')), null)
})

t.test('a session that cannot be filled is removed again', async t => {
  const store = new MapStore()
  const all = new FiveMethodStore(store)
  store.before = { putSession: refuse }
  await t.rejects(create(all, 'text'), trouble)
  t.strictSame(store.ids, [])
  store.before = { putSession: refuse, delSession: () => { throw new Error('another') } }
  await t.rejects(create(all, 'text'), trouble, 'the first error is the one that counts')
})

t.test('replace compares the text first', async t => {
  const store = new MapStore()
  const all = new FiveMethodStore(store)
  const sesid = await create(all, 'first')
  t.strictSame(await all.replace(all.nameOf(sesid), { text: 'second', idleTimeout: 9 }, 'first'), { result: 'replaced', version: 'second' })
  t.strictSame(store.putOptions.get(sesid), { idleTimeout: 9 })
  t.strictSame(await all.replace(all.nameOf(sesid), { text: 'third' }, 'first'), { result: 'conflict' })
  t.equal(store.texts.get(sesid), 'second', 'a conflict stores nothing')
  t.match(await all.read(all.nameOf(sesid)), { text: 'second', version: 'second' })
  t.match(await new FiveMethodStore(store).replace(all.nameOf(sesid), { text: 'third' }, 'second'), { result: 'replaced' })
  t.equal(store.texts.get(sesid), 'third')
  t.equal(store.putOptions.get(sesid), undefined, 'without an idle timeout it keeps the one that it has')
})

t.test('a change between comparing and replacing is not seen: the last writer wins', async t => {
  const store = new MapStore()
  const [all, other] = [new FiveMethodStore(store), new FiveMethodStore(store)]
  const sesid = await create(all, 'first')
  t.match(await Promise.all([all.replace(all.nameOf(sesid), { text: 'second' }, 'first'), other.replace(other.nameOf(sesid), { text: 'third' }, 'first')]),
    [{ result: 'replaced' }, { result: 'replaced' }])
  t.equal(store.texts.get(sesid), 'third')
})

t.test('within a process steps that compare and then act do not overlap', async t => {
  const store = new MapStore()
  const all = new FiveMethodStore(store)
  const first = await create(all, 'text')
  t.strictSame(await Promise.all([all.remove(all.nameOf(first), 'text'), all.remove(all.nameOf(first)), all.replace(all.nameOf(first), { text: 'late' }, 'text')]),
    ['removed', 'gone', { result: 'gone' }], 'a regenerate, a logout and a save at once')
  const second = await create(all, 'text')
  t.match(await Promise.all([all.replace(all.nameOf(second), { text: 'new' }, 'text'), all.remove(all.nameOf(second), 'text'), all.replace(all.nameOf(second), { text: 'late' }, 'text')]),
    [{ result: 'replaced' }, 'conflict', { result: 'conflict' }])
  t.equal(store.texts.get(second), 'new')
})

t.test('replace does not bring a destroyed session back', async t => {
  const store = new MapStore()
  const all = new FiveMethodStore(store)
  const sesid = await create(all, 'text')
  store.texts.clear()
  store.calls.length = 0
  t.strictSame(await all.replace(all.nameOf(sesid), { text: 'late' }, 'text'), { result: 'gone' })
  t.strictSame(store.ids, [])
  t.strictSame(store.calls, ['getSession'])
})

t.test('what cannot be decoded is removed: there is no place to set it aside', async t => {
  const store = new MapStore()
  const all = new FiveMethodStore(store)
  await all.setAside(all.nameOf(await create(all, 'no JSON')))
  t.strictSame(store.ids, [])
})

t.test('a store that knows idle times is asked for them, and touched', async t => {
  class Dated extends MapStore {
    readonly features = { dated: true } as const
    readonly touched: string[] = []
    async readSession (sesid: string): Promise<DatedSession | null> {
      const text = this.texts.get(sesid)
      return text === undefined ? null : { text, idleTimeout: 5, touchDue: true }
    }

    async touchSession (sesid: string): Promise<void> { this.touched.push(sesid) }
  }
  const store = new Dated()
  const all = new FiveMethodStore(store)
  const sesid = await create(all, 'text')
  store.calls.length = 0
  t.strictSame(await all.read(all.nameOf(sesid)), {
    text: 'text', version: 'text', idleTimeout: 5, createdAt: undefined, touchDue: true, idleLeft: undefined
  })
  t.equal(await all.read(all.nameOf('unknown')), null)
  await all.touch(all.nameOf(sesid))
  t.strictSame(store.touched, [sesid])
  t.match(await all.replace(all.nameOf(sesid), { text: 'next' }, 'text'), { result: 'replaced' })
  t.strictSame(store.calls, ['putSession'], 'it compares without a read that counts as use')

  const plain = new MapStore()
  await new FiveMethodStore(plain).touch(all.nameOf(sesid))
  t.strictSame(plain.calls, [])
})
