import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { SessionError } from '../../lib/errors'
import { Gate } from '../support/barrier'
import { MemoryStore, PromptStore } from '../support/map-store'
import { Visits } from '../support/visits'

type Draft = Record<string, unknown>

const add = (draft: Draft): number => (draft['n'] = (draft['n'] as number | undefined ?? 0) + 1) as number
const refuse = (): never => { throw new SessionError('SESSION_FILE', 'no') }

async function begin (data: Record<string, unknown>, store = new MemoryStore()) {
  const visits = new Visits(store)
  const sesid = await visits.stored(data)
  const visit = await visits.begin(sesid)
  store.calls.length = 0
  return { store, visits, sesid, visit, session: visit.session }
}

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

t.test('an update inside an update of the same session is refused at once', async t => {
  const refused = { name: 'SessionError', code: 'SESSION_NESTED_UPDATE', message: /inside/ }
  for (const pause of [false, true]) {
    await t.test(pause ? 'after a pause' : 'without one', async t => {
      const { store, visits, session, sesid } = await begin({ n: 0 })
      await session.update(async draft => {
        if (pause) await null
        await t.rejects(session.update(add), refused)
        const other = await visits.begin(sesid)
        await t.rejects(other.session.update(add), refused, 'also by another request that is begun there')
        add(draft)
      })
      t.strictSame(store.data, { n: 1 })
    })
  }

  await t.test('of a session that is not stored', async t => {
    const store = new MemoryStore()
    const { session } = await new Visits(store).begin()
    await session.update(async draft => {
      await t.rejects(session.update(add), refused)
      add(draft)
    })
    t.strictSame(store.data, { n: 1 })
  })

  await t.test('by a function that does not wait for it', async t => {
    const { store, session } = await begin({ n: 0 })
    let inner: Promise<unknown> | undefined
    await session.update(draft => {
      inner = session.update(add)
      add(draft)
    })
    await t.rejects(inner as Promise<unknown>, refused)
    t.strictSame(store.data, { n: 1 })
  })
})

t.test('what a change function began is not inside any more when it is over', async t => {
  for (const isOtherRunning of [false, true]) {
    const { store, visits, session } = await begin({ n: 0 })
    const [gate, otherGate] = [new Gate(), new Gate()]
    const other = await visits.begin(await visits.stored({ other: 1 }))
    const otherUpdate = isOtherRunning ? other.session.update(() => otherGate.pass()) : undefined
    let later: Promise<unknown> | undefined
    await session.update(async draft => {
      later = (async () => {
        await gate.pass()
        return await session.update(add)
      })()
      add(draft)
    })
    gate.open()
    t.equal(await later, 2)
    otherGate.open()
    await otherUpdate
    t.match(JSON.parse(store.recordOf(session.sessionId as string)?.text as string), { n: 2 })
  }
})

t.test('updates of two sessions inside each other do not wait for each other', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const [one, two] = [await visits.stored({ n: 0 }), await visits.stored({ n: 0 })]
  const nest = async (outer: string, inner: string): Promise<void> => {
    const [first, second] = [await visits.begin(outer), await visits.begin(inner)]
    await first.session.update(async draft => {
      await null
      await second.session.update(add)
      // Only once, though this function runs again when the other one was first.
      draft['done'] = true
    })
  }
  await Promise.all([nest(one, two), nest(two, one)])
  const data = [one, two].map(sesid => JSON.parse(store.recordOf(sesid)?.text as string) as Draft)
  t.match(data, [{ done: true }, { done: true }])
  t.ok(data.every(({ n }) => Number(n) >= 1))
})

t.test('an update of a session that is not stored, inside that of another', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const [one, two] = [await visits.begin(), await visits.begin()]
  await one.session.update(async draft => {
    add(draft)
    await two.session.update(add)
  })
  t.strictSame([...store.entries.values()].map(({ record }) => record.text), ['{"n":1}', '{"n":1}'])
})

t.test('a promise of another library is subscribed to once, as its work may begin anew each time', async t => {
  const { store, session } = await begin({ n: 0 })
  let subscribed = 0
  const lazy = {
    then (resolve: (value: string) => void) {
      subscribed++
      resolve('done')
    }
  }
  t.equal(await session.update(draft => {
    add(draft)
    return lazy as unknown as Promise<string>
  }), 'done')
  t.equal(subscribed, 1)
  t.strictSame(store.data, { n: 1 })
})

t.test('a change function that throws lets the next one run', async t => {
  const { store, session } = await begin({ n: 0 })
  const fault = new RangeError('mine')
  const results = await Promise.allSettled([
    session.update(() => { throw fault }), session.update(async () => { throw fault }), session.update(add)
  ])
  t.strictSame(results.map(result => result.status === 'rejected' ? result.reason as unknown : result.value), [fault, fault, 1])
  t.strictSame(store.data, { n: 1 })
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
