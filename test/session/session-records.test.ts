import t from 'tap'
import { SessionRecords } from '../../lib/session/session-records'
import { encryptionOptions } from '../../lib/store/encryption-options'
import { FiveMethodStore } from '../../lib/store/five-method-store'
import { forwardingText } from '../../lib/store/forwarding'
import { isSealed } from '../../lib/store/sealed-text'
import { SessionCipher } from '../../lib/store/session-cipher'
import { headerOf } from '../../lib/store/session-header'
import type { Replacement, StoredSession } from '../../lib/store/session-record'
import { MapStore, MemoryStore, PromptStore } from '../support/map-store'

const ENCRYPTED = { secrets: ['a secret of the tests, of 32 characters and more'] }

/** Records with one session. */
async function begin <Store extends MemoryStore> (store: Store, text = '{"n":1}') {
  const records = new SessionRecords(store, store.cipher)
  const key = await records.newKey()
  const created = await records.create(key, { text }) as StoredSession
  return { store, records, key, created, read: async () => await records.read(key) as StoredSession }
}

t.test('texts are sealed on the way in, and opened on the way out', async t => {
  const { store, records, key, created, read } = await begin(new MemoryStore('sid', undefined, ENCRYPTED))
  const textIn = (): string => store.peek(key.name)?.text ?? ''
  t.ok(isSealed(textIn()))
  t.match(created, { text: '{"n":1}', sealed: textIn(), version: store.peek(key.name)?.version })
  t.match(await read(), { text: '{"n":1}', sealed: textIn() })
  const swap = await records.replace(key, { text: '{"n":2}', idleTimeout: 60, header: { freshAt: 5 } }, created)
  t.match(swap, { result: 'replaced', stored: { text: '{"n":2}', idleTimeout: 60, header: { freshAt: 5 } } })
  t.ok(isSealed(textIn()))
  t.strictSame(headerOf(textIn()), { freshAt: 5 })
  t.strictSame(await records.replace(key, { text: '{"n":3}' }, created), { result: 'conflict' })
  t.match(await read(), { text: '{"n":2}' })
  t.equal(await records.create(key, { text: '{}' }), 'taken')
})

t.test('a record without a header keeps the one that it takes the place of', async t => {
  const { records, key, created, read } = await begin(new MemoryStore())
  const swap = await records.replace(key, { text: '{"n":2}', header: { freshAt: 5 } }, created)
  if (swap.result !== 'replaced') throw new Error(swap.result)
  await records.replace(key, { text: '{"n":3}' }, swap.stored)
  t.match(await read(), { text: '{"n":3}', header: { freshAt: 5 } })
})

t.test('what is asked at once takes no time, or is asked the slow way', async t => {
  const slow = await begin(new MemoryStore())
  t.equal(slow.records.areImmediate, false)
  t.equal(slow.records.readNow(slow.key), undefined)
  t.equal(slow.records.replaceNow(slow.key, { text: '{"n":2}' }, slow.created), undefined)
  const { store, records, key, created } = await begin(new PromptStore())
  t.equal(records.areImmediate, true)
  t.equal(records.readNow(key)?.text, '{"n":1}')
  t.equal(records.readNow(records.keyOf('unknown')), null)
  t.match(records.replaceNow(key, { text: '{"n":2}' }, created), { result: 'replaced', stored: { text: '{"n":2}' } })
  t.strictSame(records.replaceNow(key, { text: '{"n":3}' }, created), { result: 'conflict' })
  t.match(store.data, { n: 2 })
})

t.test('what could not be stored at once is not sealed again for the same save, and for another it is', async t => {
  const store = new PromptStore()
  const cipher = new SessionCipher('sid', encryptionOptions(ENCRYPTED))
  let sealed = 0
  const { sealRecord } = cipher
  cipher.sealRecord = (...call) => { sealed++; return sealRecord.apply(cipher, call) }
  const records = new SessionRecords(store, cipher)
  const key = await records.newKey()
  let base = await records.create(key, { text: '{"n":1}' }) as StoredSession
  store.replaceNow = (): Replacement | undefined => undefined
  for (const [record, times] of [[{ text: '{"n":2}' }, 1], [{ text: '{"n":3}', idleTimeout: 60 }, 2], [{ text: '{"n":4}' }, 2]] as const) {
    sealed = 0
    t.equal(records.replaceNow(key, { text: record.text }, base), undefined)
    const swap = await records.replace(key, record.text === '{"n":4}' ? { text: '{"n":5}' } : record, base)
    if (swap.result !== 'replaced') throw new Error(swap.result)
    t.equal(sealed, times, record.text)
    base = swap.stored
  }
  t.match(await records.read(key), { text: '{"n":5}' })
})

t.test('an id that was renewed names no session of its own, and leads to the new one within the grace', async t => {
  for (const store of [new MemoryStore(), new PromptStore()]) {
    const { records, key } = await begin(store)
    const old = records.keyOf('the old id')
    const forward = (since: number): string => store.write(old.name, { text: forwardingText('sid', old.sesid, { sesid: key.sesid, since, grace: 10_000 }) })
    forward(Date.now())
    t.equal(await records.read(old), null)
    t.equal(records.readNow(old), undefined, 'it takes another look')
    t.match(await records.find(old), { key, stored: { text: '{"n":1}' } })
    t.strictSame(await records.movedTo(old), key)
    t.match(await records.find(key), { key })
    t.equal(await records.movedTo(key), null)
    forward(Date.now() - 10_001)
    t.equal(await records.find(old), null, 'after the grace')
    t.strictSame(await records.movedTo(old), key, 'but for requests that loaded it before')
    forward(Date.now())
    await records.remove(key)
    t.equal(await records.find(old), null, 'to one that has ended')
    await records.remove(old)
    t.equal(await records.find(old), null)
    t.equal(await records.movedTo(old), null)
  }
})

t.test('of a session that has ended, or moved, no key stays in memory; of one in conflict it does', async t => {
  const store = new MemoryStore('sid', undefined, ENCRYPTED)
  const forgotten: string[] = []
  t.intercept(store.cipher, 'forget', { value: (sesid: string) => { forgotten.push(sesid) } })
  const { records, key, created } = await begin(store)
  t.equal(await records.remove(key, 'another version', created), 'conflict')
  t.equal(await records.forward(key, { ...created, version: 'another version' }, records.keyOf('the new id'), 10), 'conflict')
  t.strictSame(forgotten, [])
  t.equal(await records.forward(key, created, records.keyOf('the new id'), 10), 'replaced')
  t.strictSame(forgotten, [key.sesid])
  t.equal(await records.remove(key), 'removed')
  t.equal(await records.remove(key), 'gone')
  t.strictSame(forgotten, [key.sesid, key.sesid, key.sesid])
})

t.test('ids that are too short for keys are refused, and the session that the store has made for one is removed', async t => {
  const store = new MapStore()
  store.newSession = async () => { store.texts.set('short', ''); return 'short' }
  const recordStore = new FiveMethodStore(store)
  const refused = { code: 'SESSION_ID', message: /fewer random bits than the 128 .* the option encryption needs/ }
  await t.rejects(new SessionRecords(recordStore, new SessionCipher('sid', encryptionOptions(true))).newKey(), refused)
  t.strictSame(store.ids, [])
  store.before = { delSession: () => { throw new Error('away') } }
  await t.rejects(new SessionRecords(recordStore, new SessionCipher('sid', encryptionOptions(true))).newKey(), refused)
  t.match(await new SessionRecords(recordStore, new SessionCipher('sid', false)).newKey(), { sesid: 'short' }, 'without encryption any will do')
})
