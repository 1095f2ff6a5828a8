import { inspect } from 'node:util'
import t from 'tap'
import { SessionError } from '../../lib/errors'
import { MemoryStore } from '../support/map-store'
import { sessionHandle } from '../../lib/store/session-id'
import { json, Visits } from '../support/visits'

const trouble = new SessionError('SESSION_FILE', 'no')

const refuse = (): never => { throw trouble }

t.test('a session that nobody looked at is not decoded; one touch when it is due', async t => {
  const store = new MemoryStore()
  const sesid = await new Visits(store).stored({ a: 1 })
  const visits = new Visits(store, { codec: { ...json, decode: refuse } })
  const visit = await visits.begin(sesid)
  t.strictSame(visit.finishNow(), { change: 'none' })
  store.touchDue = true
  t.match(await visits.finish(await visits.begin(sesid)), { change: 'refresh', sesid })
  t.strictSame(store.calls.slice(1), ['read', 'read', 'touch', 'read'])
})

t.test('a session that nobody can decode', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1 })
  store.overwrite(sesid, 'not json')
  const visit = await visits.begin(sesid)
  t.equal(visit.session.isNew, true)
  t.strictSame(visit.session.data(), {})
  t.match(visits.log, [{ level: 'warn', message: /set aside/, session: sessionHandle(store.nameOf(sesid)), error: { code: 'SESSION_UNDECODABLE', message: /\(SyntaxError\)/ } }])
  t.notMatch(inspect(visits.log, { depth: 9, showHidden: true }), /not json/, 'the log holds nothing of what was stored')
  t.strictSame(store.ids, [sesid], 'not while the request runs')
  visit.session.set('fresh', 1)
  const change = await visits.finish(visit)
  t.match(change, { change: 'send' })
  t.strictSame(store.asides, ['not json'])
  t.strictSame(store.data, { fresh: 1 })
})

t.test('it is set aside by save() as well, and once', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1 })
  store.overwrite(sesid, '[]')
  const visit = await visits.begin(sesid)
  await visit.session.save()
  t.strictSame(store.asides, ['[]'])
  t.strictSame(await visits.finish(visit), { change: 'none' }, 'the store does not tell which request set it aside')
  t.equal(store.calls.filter(call => call === 'setAside').length, 1)
})
