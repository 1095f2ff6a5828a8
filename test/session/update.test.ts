import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { SessionError } from '../../lib/errors'
import { Gate } from '../support/barrier'
import { MemoryStore, PromptStore } from '../support/map-store'
import { begin, Visits } from '../support/visits'

type Draft = Record<string, unknown>

const add = (draft: Draft): number => (draft['n'] = (draft['n'] as number | undefined ?? 0) + 1) as number

const refuse = (): never => { throw new SessionError('SESSION_FILE', 'no') }

for (const [kind, make] of [['slow', () => new MemoryStore()], ['prompt', () => new PromptStore()]] as const) {
  t.test(`1300 updates at once that take their time: 1300 calls, no conflict, in a ${kind} store`, async t => {
    const { store, visits, sesid } = await begin({ n: 0 }, make())
    let conflicts = 0
    const count = (): void => { conflicts++ }
    subscribe('fastify-file-sessions:conflict', count)
    t.teardown(() => { unsubscribe('fastify-file-sessions:conflict', count) })
    const all = await Promise.all(Array.from({ length: 1300 }, () => visits.begin(sesid)))
    let calls = 0
    const answers = await Promise.all(all.map((visit, index) => visit.session.update(index % 10 === 0
      ? draft => { calls++; return add(draft) }
      : async draft => {
        calls++
        await null
        return add(draft)
      })))
    t.strictSame(store.data, { n: 1300 })
    t.strictSame(answers, Array.from({ length: 1300 }, (_, index) => index + 1))
    t.equal(calls, 1300)
    t.equal(conflicts, 0)
  })
}

t.test('save() inside the change function of an update that takes its time', async t => {
  const { store, session } = await begin({ n: 0 })
  session.set('mine', 1)
  let calls = 0
  await session.update(async draft => {
    if (++calls === 1) await session.save()
    add(draft)
  })
  t.strictSame(store.data, { n: 1, mine: 1 })
  t.equal(calls, 2, 'the save came between')
})

t.test('save(), and delete() while an update takes its time', async t => {
  const { store, visits, visit, session } = await begin({ n: 0 })
  const gate = new Gate()
  const updated = session.update(async draft => {
    await gate.pass()
    add(draft)
  })
  await gate.arrived
  session.delete()
  gate.open()
  t.equal(await updated, undefined)
  t.strictSame(await visits.finish(visit), { change: 'clear' })
  t.strictSame(store.ids, [])
})

t.test('delete() while the update is stored', async t => {
  const { store, visits, visit, session } = await begin({ n: 0 })
  const gate = new Gate()
  store.before = { replace: () => gate.pass() }
  const updated = session.update(add)
  await gate.arrived
  session.delete()
  session.set('fresh', 1)
  gate.open()
  t.equal(await updated, 1)
  t.strictSame(session.data(), { fresh: 1 })
  await visits.finish(visit)
  t.strictSame(store.data, { fresh: 1 })
})

t.test('an update that waits for others, and its session ends meanwhile', async t => {
  const { store, visits, visit, session, sesid } = await begin({ n: 0 })
  const gate = new Gate()
  const other = await visits.begin(sesid)
  const first = other.session.update(async () => { await gate.pass() })
  await gate.arrived
  let calls = 0
  const updated = session.update(() => ++calls)
  session.delete()
  gate.open()
  await first
  t.equal(await updated, undefined)
  t.equal(calls, 0)
  await visits.finish(visit)
  t.strictSame(store.ids, [])
})

t.test('data nested more deeply than the engine\'s stack allows to compare', async t => {
  const text = (n: number): string => `{"n":${n},"deep":${'['.repeat(2000)}1${']'.repeat(2000)},"tree":${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}}`
  const { store, visits, sesid } = await begin({ n: 0 })
  store.overwrite(sesid, text(0))
  for (let n = 1; n <= 3; n++) {
    const visit = await visits.begin(sesid)
    visit.session.set('seen', n)
    t.equal(await visit.session.update(add), n, 'it is stored and says so')
    t.strictSame(await visits.finish(visit), { change: 'none' })
  }
  const visit = await visits.begin(sesid)
  visit.session.set('mine', 1)
  store.overwrite(sesid, text(7))
  await visit.session.save()
  await visit.session.regenerate(['deep', 'n', 'tree'])
  t.equal(store.recordOf(visit.session.sessionId as string)?.text.length, text(7).length)
})

t.test('nothing throws after the swap has won: data that cannot be merged wait for the next commit', async t => {
  const { store, visits, visit, session } = await begin({ a: { x: 1 }, n: 0 })
  const unmergeable = Object.defineProperty({}, 'x', { get: refuse, enumerable: true, configurable: true })
  store.before = { replace: () => { session.set('a', unmergeable) } }
  t.equal(await session.update(add), 1)
  t.strictSame(store.data, { a: { x: 1 }, n: 1 })
  store.before = {}
  t.equal(session.get('n'), 0, 'the data are as they were')
  session.set('a', { x: 2 })
  await visits.finish(visit)
  t.strictSame(store.data, { a: { x: 2 }, n: 1 }, 'and the update is not lost')
})

t.test('of a session that is not stored yet', async t => {
  t.test('whose data cannot be merged afterwards: what is stored counts', async t => {
    const store = new MemoryStore()
    const { session } = await new Visits(store).begin()
    session.set('a', { x: 1 })
    store.before = { create: () => { session.set('a', Object.defineProperty({}, 'x', { get: refuse, enumerable: true })) } }
    t.equal(await session.update(add), 1)
    t.strictSame(session.data(), { a: { x: 1 }, n: 1 })
    t.strictSame(store.data, { a: { x: 1 }, n: 1 })
  })

  t.test('save() while the update takes its time: it is done again', async t => {
    const store = new MemoryStore()
    const { session } = await new Visits(store).begin()
    session.set('mine', 1)
    const gate = new Gate()
    let calls = 0
    const updated = session.update(async draft => {
      if (++calls === 1) await gate.pass()
      return add(draft)
    })
    await gate.arrived
    await session.save()
    gate.open()
    t.equal(await updated, 1)
    t.equal(calls, 2)
    t.strictSame(store.data, { mine: 1, n: 1 })
  })

  t.test('delete() while the update takes its time, and while it is stored', async t => {
    for (const moment of ['change', 'create'] as const) {
      const store = new MemoryStore()
      const visits = new Visits(store)
      const visit = await visits.begin()
      const gate = new Gate()
      if (moment === 'create') store.before = { create: () => gate.pass() }
      const updated = visit.session.update(async draft => {
        if (moment === 'change') await gate.pass()
        return add(draft)
      })
      await gate.arrived
      visit.session.delete()
      gate.open()
      t.equal(await updated, undefined)
      t.strictSame(visit.session.data(), {})
      t.strictSame(await visits.finish(visit), { change: 'none' })
      t.strictSame(store.ids, [], 'the session that was made is removed')
    }
  })

  t.test('the end of the request finds that an update stored the session', async t => {
    for (const changes of [false, true]) {
      const store = new MemoryStore()
      const visits = new Visits(store)
      const visit = await visits.begin()
      visit.session.set('mine', 1)
      const gate = new Gate()
      store.before = { create: () => gate.pass() }
      const updated = visit.session.update(add)
      await gate.arrived
      if (changes) visit.session.set('late', 1)
      const finished = visits.finish(visit)
      gate.open()
      t.match(await finished, { change: 'send' })
      await updated
      t.strictSame(store.data, { mine: 1, n: 1, ...(changes ? { late: 1 } : {}) })
    }
  })
})
