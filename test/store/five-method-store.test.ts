import t from 'tap'
import { SessionError } from '../../index'
import { LastWriterWins } from '../../lib/store/five-method-store'
import { MapStore } from '../support/map-store'

const trouble = new SessionError('SESSION_FILE', 'no')
const refuse = (): never => { throw trouble }

t.test('the five methods are the store\'s own', async t => {
  const store = new MapStore('mine')
  const all = new LastWriterWins(store)
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

t.test('create and read', async t => {
  const store = new MapStore()
  const all = new LastWriterWins(store)
  const { sesid } = await all.createSession('text', { idleTimeout: 7 })
  t.strictSame(store.ids, [sesid])
  t.match(await all.readSession(sesid), { text: 'text', idleTimeout: undefined, touchDue: false })
  t.strictSame(store.putOptions.get(sesid), { idleTimeout: 7 })
  t.equal(await all.readSession('unknown'), null)
})

t.test('a session that cannot be filled is removed again', async t => {
  const store = new MapStore()
  store.before = { putSession: refuse }
  await t.rejects(new LastWriterWins(store).createSession('text'), trouble)
  t.strictSame(store.ids, [])
  store.before = { putSession: refuse, delSession: () => { throw new Error('another') } }
  await t.rejects(new LastWriterWins(store).createSession('text'), trouble, 'the first error is the one that counts')
})

t.test('replace compares the text first', async t => {
  const store = new MapStore()
  const all = new LastWriterWins(store)
  const { sesid, version } = await all.createSession('first')
  const second = await all.replaceSession(sesid, 'second', version, { idleTimeout: 9 })
  t.match(second, { result: 'replaced' })
  t.strictSame(store.putOptions.get(sesid), { idleTimeout: 9 })
  t.strictSame(await all.replaceSession(sesid, 'third', version), { result: 'conflict' })
  t.equal(store.texts.get(sesid), 'second', 'a conflict stores nothing')
  t.match(await all.readSession(sesid), { text: 'second', version: second.result === 'replaced' && second.version })
  t.match(await new LastWriterWins(store).replaceSession(sesid, 'third', 'second'), { result: 'replaced' })
  t.equal(store.texts.get(sesid), 'third')
})

t.test('whoever comes between comparing and replacing is not seen: the last writer wins', async t => {
  const store = new MapStore()
  const [all, other] = [new LastWriterWins(store), new LastWriterWins(store)]
  const { sesid, version } = await all.createSession('first')
  t.match(await Promise.all([all.replaceSession(sesid, 'second', version), other.replaceSession(sesid, 'third', version)]),
    [{ result: 'replaced' }, { result: 'replaced' }])
  t.equal(store.texts.get(sesid), 'third')
})

t.test('replace does not bring a destroyed session back', async t => {
  const store = new MapStore()
  const all = new LastWriterWins(store)
  const { sesid, version } = await all.createSession('text')
  store.texts.clear()
  t.strictSame(await all.replaceSession(sesid, 'late', version), { result: 'gone' })
  t.strictSame(store.ids, [])
  t.notOk(store.calls.slice(2).includes('putSession'))
})
