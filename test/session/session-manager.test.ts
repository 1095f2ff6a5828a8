import t from 'tap'
import { SessionError } from '../../lib/errors'
import { Gate } from '../support/barrier'
import { MemoryStore, PromptStore } from '../support/map-store'
import { Visits } from '../support/visits'

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

t.test('several cookies: the first that names a live session counts', async t => {
  for (const store of [new MemoryStore(), new PromptStore()]) {
    const visits = new Visits(store)
    const [one, two] = [await visits.stored({ n: 1 }), await visits.stored({ n: 2 })]
    t.equal((await visits.begin('junk', two, one)).session.get('n'), 2)
    t.equal((await visits.begin(one, two)).session.get('n'), 1)
    const none = await visits.begin('junk', 'more')
    t.equal(none.session.isNew, true)
    t.strictSame(visits.log.map(({ message }) => message), ['the cookie names no live session'], 'that is said once')

    const ended = await visits.begin('junk', one)
    await ended.session.destroy()
    t.strictSame(await visits.finish(ended), { change: 'clear' })
    const taken = await visits.begin('junk')
    taken.session.set('fresh', 1)
    t.not((await visits.finish(taken) as { sesid: string }).sesid, 'junk', 'a value that names nothing is never adopted')
  }
})

t.test('a store that has everything at hand is asked at once', async t => {
  const store = new PromptStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ n: 1 })
  store.calls.length = 0
  const values = [{ sesid, renew: false }]
  const visit = visits.manager.loadNow(values, { debug () {}, warn () {} })
  visit?.session.set('n', 2)
  t.strictSame(visit?.finishNow(), { change: 'none' })
  t.strictSame(store.calls, [])
  t.strictSame(store.data, { n: 2 })
})

t.test('a store that would have to wait is asked the slow way', async t => {
  class Busy extends PromptStore {
    override readNow (): undefined {}
    override replaceNow (): undefined {}
  }
  const store = new Busy()
  const visits = new Visits(store)
  const visit = await visits.begin(await visits.stored({ n: 1 }))
  store.calls.length = 0
  visit.session.set('n', 2)
  t.equal(visit.finishNow(), undefined)
  t.strictSame(await visit.finish(), { change: 'none' })
  t.strictSame(store.calls, ['replace'])
  await visit.checkAgain()
  t.strictSame(store.data, { n: 2 })
})

t.test('trouble in loading at once', async t => {
  class Broken extends PromptStore {
    override readNow (): never { return refuse() }
  }
  t.throws(() => new Visits(new Broken()).manager.loadNow([{ sesid: 'x', renew: false }], { debug () {}, warn () {} }), trouble)
})

t.test('a conflict in a store that has everything at hand', async t => {
  const store = new PromptStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1, b: 1 })
  const visit = await visits.begin(sesid)
  visit.session.set('a', 2)
  store.overwrite(sesid, '{"a":1,"b":2}')
  t.strictSame(await visits.finish(visit), { change: 'none' })
  t.strictSame(store.data, { a: 2, b: 2 })
})

t.test('two requests that commit in the same turn: the second waits for the first, and reads what it stored', async t => {
  for (const store of [new MemoryStore(), new PromptStore()]) {
    const visits = new Visits(store)
    const sesid = await visits.stored({ n: 0 })
    const [one, two] = [await visits.begin(sesid), await visits.begin(sesid)]
    one.session.set('one', 1)
    two.session.set('two', 2)
    const saved = one.session.save()
    await Promise.all([saved, visits.finish(two)])
    t.strictSame(store.data, { n: 0, one: 1, two: 2 })
  }
})

t.test('a session that expired while the request was under way goes on by its touch', async t => {
  const store = new PromptStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1 })
  const name = store.nameOf(sesid)
  store.touchDue = true
  const visit = await visits.begin(sesid)
  const entry = store.entries.get(name)
  store.entries.delete(name)
  store.before = { touch: () => { if (entry !== undefined) store.entries.set(name, entry) } }
  t.match(await visits.finish(visit), { change: 'refresh', sesid })
})

t.test('delete() while the session is read again', async t => {
  for (const method of ['reload', 'checkAgain'] as const) {
    const store = new MemoryStore()
    const visits = new Visits(store)
    const visit = await visits.begin(await visits.stored({ a: 1 }))
    const { session } = visit
    const gate = new Gate()
    store.before = { read: () => gate.pass() }
    const done = method === 'reload' ? session.reload() : visit.checkAgain()
    await gate.arrived
    session.delete()
    gate.open()
    await done
    t.strictSame(session.data(), {})
    t.strictSame(await visits.finish(visit), { change: 'clear' })
  }
})
