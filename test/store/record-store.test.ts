import t from 'tap'
import { SessionFileError, SessionStoreError } from '../../lib/errors'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { PostgresSessionStore } from '../../lib/store/postgres/postgres-session-store'
import { RedisSessionStore } from '../../lib/store/redis/redis-session-store'
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

t.test('putSession refuses what cannot be stored, also where there is no session', async t => {
  const store = new MemoryStore()
  for (const sesid of [await store.newSession(), 'unknown']) {
    await t.rejects(store.putSession(sesid, 7 as unknown as string), { code: 'SESSION_OPTION', message: /must be a string/ })
    await t.rejects(store.putSession(sesid, '', { idleTimeout: -1 }), { code: 'SESSION_OPTION', message: /idleTimeout/ })
    await t.resolves(store.putSession(sesid, 'x'.repeat(1_000_000)), 'the verbs of this one take any length')
  }
})

t.test('putSession refuses a text that is too long, before it asks for a session', async t => {
  const client = { query: async () => await t.fail('the server was asked') as never }
  const redis = { isOpen: true, isReady: true, sendCommand: client.query, multi: client.query, on: () => {}, off: () => {} }
  const stores = [
    new PostgresSessionStore({ pool: client, maxSize: 5 }), new RedisSessionStore({ client: redis as never, maxSize: 5 }),
    new SessionFileStore({ sessionDir: t.testdir(), maxSize: 5 })
  ]
  for (const store of stores) await t.rejects(store.putSession('unknown', 'sixsix'), { code: 'SESSION_TOO_BIG', message: /maxSize \(5 bytes\)/ })
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

t.test('what never opens is removed unread; what cannot be read just now is not, for it may lead to a renewed session', async t => {
  const store = new MemoryStore()
  const sesid = await store.newSession()
  const read = store.read.bind(store)
  const withCause = (code: string): Error => new SessionFileError('cannot read', { cause: Object.assign(new Error(code), { code }) })
  for (const error of [withCause('EIO'), new SessionStoreError('no answer', {}), new Error('a mistake')]) {
    store.read = async () => { throw error }
    await t.rejects(store.delSession(sesid), error)
    t.ok(store.peek(store.nameOf(sesid)))
  }
  for (const error of [withCause('ELOOP'), withCause('EACCES'), new SessionFileError('of a newer version')]) {
    store.read = read
    const next = await store.newSession()
    store.read = async () => { throw error }
    await store.delSession(next)
    t.notOk(store.peek(store.nameOf(next)))
  }
})
