import t from 'tap'
import { Gate } from '../support/barrier'
import { MemoryStore } from '../support/map-store'
import { begin, Visits } from '../support/visits'

type Draft = Record<string, unknown>

const add = (draft: Draft): number => (draft['n'] = (draft['n'] as number | undefined ?? 0) + 1) as number

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
