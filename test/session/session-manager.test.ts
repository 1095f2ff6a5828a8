import { inspect } from 'node:util'
import t from 'tap'
import { SessionError } from '../../lib/errors'
import { MapStore, MemoryStore } from '../support/map-store'
import { sessionHandle } from '../../lib/store/session-id'
import { json, Visits } from '../support/visits'

const trouble = new SessionError('SESSION_FILE', 'no')
const refuse = (): never => { throw trouble }

t.test('a request without a cookie asks the store nothing', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const visit = await visits.begin()
  t.strictSame(visit.finishNow(), { change: 'none' }, 'and is finished at once')
  visit.session.get('x')
  t.strictSame(store.calls, [])
})

t.test('a cookie that names nothing is left alone, at once', async t => {
  const visits = new Visits(new MemoryStore())
  const visit = await visits.begin('unknown')
  t.equal(visit.needsNoFinish, true)
  t.strictSame(visit.finishNow(), { change: 'none' })
  t.strictSame(visits.log, [{ level: 'debug', message: 'the cookie names no live session', session: undefined, error: undefined }])
})

t.test('a session that nobody looked at is not decoded; one touch when it is due', async t => {
  const store = new MemoryStore()
  const sesid = await new Visits(store).stored({ a: 1 })
  const visits = new Visits(store, { codec: { ...json, decode: refuse } })
  const visit = await visits.begin(sesid)
  t.strictSame(visit.finishNow(), { change: 'none' })
  store.touchDue = true
  t.match(await visits.finish(await visits.begin(sesid)), { change: 'refresh', sesid })
  t.strictSame(store.calls.slice(1), ['read', 'read', 'touch'])
})

t.test('one touch is due, for a session that was looked at, changed, or not to be saved', async t => {
  for (const [what, expected] of [['look', 'refresh'], ['change', 'refresh'], ['skip', 'none']] as const) {
    const store = new MemoryStore()
    const visits = new Visits(store)
    const sesid = await visits.stored({ a: 1 })
    store.touchDue = true
    const visit = await visits.begin(sesid)
    visit.session.get('a')
    if (what === 'change') visit.session.set('a', 2)
    if (what === 'skip') visit.session.skipSave()
    t.match(await visits.finish(visit), { change: expected })
    t.equal(store.calls.includes('touch'), expected === 'refresh')
  }
})

t.test('without rolling the session is touched, its cookie left', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store, { rolling: false })
  const sesid = await visits.stored({ a: 1 })
  store.touchDue = true
  t.strictSame(await visits.finish(await visits.begin(sesid)), { change: 'none' })
  t.ok(store.calls.includes('touch'))
})

t.test('a store that cannot touch: the cookie is sent again all the same', async t => {
  const visits = new Visits(new MapStore())
  const visit = await visits.begin(await visits.stored({ a: 1 }))
  visit.session.touch()
  t.match(await visits.finish(visit), { change: 'refresh' })
})

t.test('a request is finished once', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const visit = await visits.begin()
  visit.session.set('a', 1)
  store.before = { create: refuse }
  await t.rejects(visits.finish(visit), trouble)
  store.before = {}
  t.strictSame(visit.finishNow(), { change: 'none' }, 'the answer with the error saves nothing more')
  t.strictSame(store.ids, [])
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

t.test('trouble in removing or setting aside is tried again at the end', async t => {
  for (const [method, begin, change] of [['remove', '{"a":1}', 'clear'], ['setAside', 'not json', 'none']] as const) {
    const store = new MemoryStore()
    const visits = new Visits(store)
    const sesid = await visits.stored({ a: 1 })
    store.overwrite(sesid, begin)
    const visit = await visits.begin(sesid)
    store.before = { [method]: refuse }
    await t.rejects(visit.session.destroy(), trouble)
    store.before = {}
    t.strictSame(await visits.finish(visit), { change })
    t.strictSame(store.ids, [])
  }
})

t.test('trouble that lasts is the request\'s error, and no cookie is cleared for it', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1 })
  const visit = await visits.begin(sesid)
  visit.session.delete()
  store.before = { remove: refuse }
  await t.rejects(visits.finish(visit), trouble)
  t.strictSame(store.ids, [sesid])
})

t.test('trouble in touching is logged once, and the session is served', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1 })
  store.touchDue = true
  store.before = { touch: refuse }
  t.strictSame(await visits.finish(await visits.begin(sesid)), { change: 'none' })
  const opened = await visits.begin(sesid)
  t.equal(opened.session.get('a'), 1)
  opened.session.set('a', 2)
  opened.session.touch()
  await opened.session.save()
  t.strictSame(await visits.finish(opened), { change: 'none' })
  t.strictSame(store.data, { a: 2 })
  const line = { level: 'warn', message: /cannot note it/, session: sessionHandle(store.nameOf(sesid)), error: trouble }
  t.match(visits.log, [line])
  t.equal(visits.log.length, 1)
  store.before = {}
  t.match(await visits.finish(await visits.begin(sesid)), { change: 'refresh' })
  store.before = { touch: refuse }
  await visits.finish(await visits.begin(sesid))
  t.match(visits.log, [line, line], 'it worked in between, so it is said again')
})

t.test('trouble in loading', async t => {
  const store = new MemoryStore()
  store.before = { read: refuse }
  await t.rejects(new Visits(store).begin('x'), trouble)
})

t.test('a store that has promises of another make', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1 })
  for (const method of ['read', 'replace'] as const) {
    const own = store[method].bind(store) as (...parameters: unknown[]) => Promise<unknown>
    Object.assign(store, {
      [method]: (...parameters: unknown[]) => {
        const promise = own(...parameters)
        return { then: promise.then.bind(promise) }
      }
    })
  }
  const visit = await visits.begin(sesid)
  t.equal(visit.session.get('a'), 1)
  visit.session.set('b', 2)
  t.strictSame(await visits.finish(visit), { change: 'none' })
  t.strictSame(store.data, { a: 1, b: 2 })
})

t.test('steps that nobody waited for happen in the order they were asked for', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const visit = await visits.begin(await visits.stored({ a: 1 }))
  const { session } = visit
  session.set('b', 1)
  const order: string[] = []
  const steps = [
    session.save().then(() => order.push('save')),
    session.regenerate(['a', 'b']).then(() => order.push('regenerate')),
    session.reload().then(() => order.push('reload'))
  ]
  const change = await visits.finish(visit)
  t.strictSame(order, ['save', 'regenerate', 'reload'], 'the end of the request waits for all of them')
  await Promise.all(steps)
  t.match(change, { change: 'send', sesid: store.ids[0] as string })
  t.strictSame(store.data, { a: 1, b: 1 })
})

t.test('a step that fails does not keep the next from running', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const visit = await visits.begin(await visits.stored({ a: 1 }))
  visit.session.set('a', 2)
  let failures = 1
  store.before = { replace: () => { if (failures-- > 0) throw trouble } }
  const results = await Promise.allSettled([visit.session.save(), visit.session.save()])
  t.strictSame(results.map(({ status }) => status), ['rejected', 'fulfilled'])
  t.strictSame(store.data, { a: 2 })
})

t.test('request after request on one session', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ n: 0 })
  for (let n = 1; n <= 5; n++) {
    const visit = await visits.begin(sesid)
    visit.session.set('n', n)
    t.strictSame(await visits.finish(visit), { change: 'none' })
  }
  t.strictSame(store.data, { n: 5 })
})
