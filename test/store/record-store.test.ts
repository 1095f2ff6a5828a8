import t from 'tap'
import { storageName } from '../../lib/store/session-id'
import { MemoryStore } from '../support/map-store'

t.test('the five methods, on top of the verbs', async t => {
  const store = new MemoryStore('shop')
  t.equal(store.sesAppid(), 'shop')
  const sesid = await store.newSession()
  t.match(sesid, /^[\w-]{32}$/)
  t.equal(await store.getSession(sesid), '')
  await store.putSession(sesid, 'text', { idleTimeout: 60 })
  t.equal(await store.getSession(sesid), 'text')
  await store.putSession(sesid, 'other')
  const session = store.peek(store.nameOf(sesid))
  t.match(session, { text: 'other', idleTimeout: 60 }, 'the idle timeout stays')
  await store.putSession(sesid, 'other', {})
  await store.putSession(sesid, 'other', { idleTimeout: undefined })
  t.match(store.peek(store.nameOf(sesid)), { idleTimeout: 60 })
  await store.putSession(sesid, 'other', { idleTimeout: 90 })
  t.match(store.peek(store.nameOf(sesid)), { idleTimeout: 90 }, 'unless another is given')
  t.equal(store.peek(store.nameOf(sesid))?.createdAt, session?.createdAt)
  await store.delSession(sesid)
  t.equal(await store.getSession(sesid), null)
  await store.delSession(sesid)
  await store.putSession(sesid, 'late')
  t.equal(await store.getSession(sesid), null)
})

t.test('getSession is use', async t => {
  const store = new MemoryStore()
  const sesid = await store.newSession()
  store.calls.length = 0
  await store.getSession(sesid)
  t.strictSame(store.calls, ['read'])
  store.touchDue = true
  await store.getSession(sesid)
  t.strictSame(store.calls, ['read', 'read', 'touch'])
})

t.test('putSession wins in the end', async t => {
  const store = new MemoryStore()
  const sesid = await store.newSession()
  const name = store.nameOf(sesid)
  let others = 3
  store.before.replace = () => { if (others-- > 0) store.write(name, { text: `other ${others}` }) }
  await store.putSession(sesid, 'mine')
  t.equal(await store.getSession(sesid), 'mine')
  store.before.replace = () => { store.entries.clear() }
  await store.putSession(sesid, 'late')
  t.equal(await store.getSession(sesid), null)
})

t.test('a name is the hash of appid and id, the same each time', async t => {
  const store = new MemoryStore('shop')
  for (const sesid of ['id', '', 'x'.repeat(128), 'x'.repeat(129), 'x'.repeat(5000), '../x', '\0', '\ud800']) {
    t.equal(store.nameOf(sesid), storageName('shop', sesid))
    t.equal(store.nameOf(sesid), storageName('shop', sesid))
    t.match(store.nameOf(sesid), /^[0-9a-f]{64}$/)
  }
  t.not(store.nameOf('id'), new MemoryStore('other').nameOf('id'))
})

t.test('what is not a string has a name that no session has', async t => {
  const store = new MemoryStore()
  for (const sesid of [undefined, null, 7, {}, ['x']] as unknown[] as string[]) {
    t.not(store.nameOf(sesid), store.nameOf(sesid))
    t.equal(await store.getSession(sesid), null)
    await store.putSession(sesid, 'text')
    await store.delSession(sesid)
  }
})

t.test('an id generator that returns taken ids, or none', async t => {
  const ids = ['one', 'one', 'one', 'two']
  const store = new MemoryStore('sid', () => ids.shift() ?? 'one')
  t.equal(await store.newSession(), 'one')
  await store.putSession('one', 'precious')
  t.equal(await store.newSession(), 'two', 'tried again')
  await t.rejects(store.newSession(), { name: 'SessionError', code: 'SESSION_ID', message: /idGenerator/ })
  t.equal(await store.getSession('one'), 'precious')
  for (const bad of ['', 'x'.repeat(1025), undefined, 7]) {
    const broken = new MemoryStore('sid', () => bad as string)
    await t.rejects(broken.newSession(), { code: 'SESSION_ID' })
    await t.rejects(broken.newId(), { code: 'SESSION_ID' })
  }
  t.equal(await new MemoryStore('sid', () => 'x'.repeat(1024)).newId(), 'x'.repeat(1024))
})
