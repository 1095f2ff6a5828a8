import t from 'tap'
import { SessionError, SessionFileError, SessionStoreError } from '../../lib/errors'
import { isForwarding } from '../../lib/store/forwarding'
import { MemoryStore } from '../support/map-store'
import { begin, sent } from '../support/renewable'

t.test('what a request has changed moves along, and so does what others stored meanwhile', async t => {
  const { visits, request, store, sesid } = await begin({ a: 1 })
  const visit = await request()
  visit.session.set('b', 2)
  let isFirst = true
  store.before = { create: () => { if (isFirst) store.overwrite(sesid, '{"a":1,"b":2,"c":3}'); isFirst = false } }
  const next = sent(await visits.finish(visit))
  const found = await request(next)
  t.strictSame(found.session.data(), { a: 1, b: 2, c: 3 })
  t.strictSame(visit.session.data(), { a: 1, b: 2, c: 3 })
})

t.test('a session that another request ends while it is renewed stays ended', async t => {
  const { request, visits, store, name } = await begin()
  const visit = await request()
  store.before = { create: () => { store.entries.delete(name) } }
  t.strictSame(await visits.finish(visit), { change: 'none' })
  t.equal(store.entries.size, 0)
  const other = await begin()
  const destroyed = await other.request()
  other.store.before = { create: () => { destroyed.session.delete() } }
  t.strictSame(await other.visits.finish(destroyed), { change: 'none' })
  await destroyed.session.destroy()
  t.equal(other.store.entries.size, 0)
})

t.test('a store that fails keeps the old id, and the request succeeds', async t => {
  for (const error of [new SessionFileError('no'), new SessionStoreError('no'), new SessionError('X', 'no')]) {
    const { request, visits, store, name, sesid } = await begin()
    store.before = { replace: () => { throw error } }
    t.strictSame(await visits.finish(await request()), { change: 'none' })
    t.match(visits.log, [{ level: 'warn', error, message: /could not get a new id/ }])
    t.equal(store.entries.size, error instanceof SessionStoreError ? 2 : 1, 'what a server may still do must lead to a session')
    store.before = {}
    t.not(sent(await visits.finish(await request())), sesid)
    t.ok(isForwarding(store.peek(name)?.text ?? ''))
  }
  const { request, visits, store } = await begin()
  store.before = { create: () => { throw new SessionFileError('no') } }
  t.strictSame(await visits.finish(await request()), { change: 'none' })
})

t.test('what does not open is not renewed, and the session says so when it is looked at', async t => {
  const store = new MemoryStore('sid', undefined, { secrets: ['a secret of the tests, of 32 characters and more'] })
  const { request, visits, name, sesid } = await begin({ a: 1 }, store)
  store.write(name, { ...store.recordOf(sesid), text: `${store.peek(name)?.text}x` })
  t.strictSame(await visits.finish(await request()), { change: 'none' })
  t.strictSame(visits.log, [])
})

t.test('what another process wrote and this one cannot decode moves along, and no late save writes over it', async t => {
  const { visits, request, store, sesid } = await begin({ a: 1 })
  const visit = await request()
  visit.session.data()
  let isFirst = true
  store.before = { create: () => { if (isFirst) store.overwrite(sesid, 'of another codec'); isFirst = false } }
  const next = sent(await visits.finish(visit))
  t.equal(store.recordOf(next)?.text.endsWith('of another codec'), true)
  visit.session.set('b', 2)
  await t.rejects(visit.session.save(), { code: 'SESSION_UNDECODABLE' })
  t.equal(store.recordOf(next)?.text.endsWith('of another codec'), true)
})
