import t from 'tap'
import { SessionError, SessionStoreError } from '../../lib/errors'
import { Gate } from '../support/barrier'
import { MapStore, MemoryStore, PromptStore } from '../support/map-store'
import { begin, Visits } from '../support/visits'

const trouble = new SessionError('SESSION_FILE', 'no')
const refuse = (): never => { throw trouble }

t.test('every update that was answered before the move is in the new session', async t => {
  const { store, visits, visit, session, sesid } = await begin({ n: 0, cart: { a: 1 }, drop: 1 })
  let updates = 0
  store.before = {
    remove: name => {
      if (name === store.nameOf(sesid) && updates < 5) store.overwrite(sesid, JSON.stringify({ n: ++updates, cart: { a: 1, theirs: updates }, drop: 2 }))
    }
  }
  session.set('cart', { a: 2 })
  await session.regenerate(['n', 'cart'])
  t.strictSame(session.data(), { n: 5, cart: { a: 2, theirs: 5 } })
  t.strictSame(store.data, session.data())
  t.match(await visits.finish(visit), { change: 'send', sesid: session.sessionId as string })
})

t.test('updates of the same process: each is in the new session, or is told that the old one is gone', async t => {
  for (const store of [new MemoryStore(), new PromptStore()]) {
    const { visits, session, sesid } = await begin({ n: 0 }, store)
    const all = await Promise.all(Array.from({ length: 50 }, () => visits.begin(sesid)))
    const add = (draft: Record<string, unknown>): number => (draft['n'] = (draft['n'] as number) + 1) as number
    const updates = all.map(async (visit, index) => {
      for (let turn = 0; turn < index; turn++) await null
      return await visit.session.update(add)
    })
    const done = session.regenerate(['n'])
    const answered = (await Promise.all(updates)).filter(answer => answer !== undefined)
    await done
    t.strictSame(store.data, { n: answered.length })
    t.strictSame(session.data(), { n: answered.length })
  }
})

t.test('an end that no replica confirms: the caller hears of it, and the visitor goes on with the new session', async t => {
  const unconfirmed = new SessionStoreError('only 0 of 1 replicas', { outcome: 'unconfirmed' })
  const { store, visits, visit, session, sesid } = await begin({ n: 1, drop: 1 })
  const { remove } = store
  store.remove = async (name, version) => {
    await remove.call(store, name, version)
    throw unconfirmed
  }
  await t.rejects(session.regenerate(['n']), unconfirmed)
  store.remove = remove
  t.not(session.sessionId, sesid)
  t.strictSame(session.data(), { n: 1 })
  t.match(await visits.finish(visit), { change: 'send', sesid: session.sessionId as string })
  t.strictSame(store.ids, [session.sessionId])
})

t.test('an end that no replica confirms, of a session that keeps nothing: the cookie is cleared all the same', async t => {
  const unconfirmed = new SessionStoreError('only 0 of 1 replicas', { outcome: 'unconfirmed' })
  for (const renew of ['regenerate', 'authenticated'] as const) {
    for (const [keep, change] of [[[], 'clear'], [['n'], 'send']] as const) {
      const { store, visits, visit, session } = await begin({ n: 1 })
      const { remove } = store
      store.remove = async (name, version) => {
        const removal = await remove.call(store, name, version)
        if (removal === 'removed') throw unconfirmed
        return removal
      }
      await t.rejects(session[renew]([...keep]), unconfirmed)
      store.remove = remove
      t.match(await visits.finish(visit), { change }, renew)
      t.equal(store.ids.length, keep.length)
    }
  }
})

for (const [kind, processes] of [['of one process', 1], ['of eight processes', 8]] as const) {
  for (const keys of [['cart'], []]) {
    t.test(`eight logins at once from one session, ${kind}, that keep ${keys.join() || 'nothing'}: one session`, async t => {
      const store = new MemoryStore()
      const visits = Array.from({ length: processes }, () => new Visits(store))
      const sesid = await (visits[0] as Visits).stored({ cart: [1], secret: 1 })
      const logins = await Promise.all(Array.from({ length: 8 }, async (_, index) => {
        const process = visits[index % processes] as Visits
        const visit = await process.begin(sesid)
        await visit.session.regenerate(keys)
        visit.session.set('login', index)
        const { deleted } = visit.session
        return { index, deleted, change: await process.finish(visit), data: visit.session.data() }
      }))
      const won = logins.filter(({ deleted }) => !deleted)
      t.equal(won.length, 1)
      t.strictSame(store.data, { ...(keys.length > 0 ? { cart: [1] } : {}), login: won[0]?.index })
      t.strictSame(logins.filter(({ change }) => change.change !== 'none').map(({ index }) => index), [won[0]?.index],
        'the others neither set nor clear the cookie')
    })
  }
}

t.test('a logout meanwhile: what is set afterwards is not stored', async t => {
  for (const keys of [['cart'], []]) {
    for (const moment of ['before', 'between'] as const) {
      const { store, visits, visit, session, sesid } = await begin({ cart: [1], user: 'ann' })
      const logOut = (): void => { store.entries.delete(store.nameOf(sesid)) }
      if (moment === 'before') logOut()
      else store.before = { remove: name => { if (name === store.nameOf(sesid)) logOut() } }
      const user = session.get('user')
      await session.regenerate(keys)
      t.equal(session.deleted, true)
      t.strictSame(session.data(), {})
      session.set('user', user)
      await session.save()
      await session.regenerate(['user'])
      t.equal(await session.update(() => 'stored'), undefined)
      t.strictSame(await visits.finish(visit), { change: 'none' })
      t.strictSame(store.ids, [])
      t.match(visits.log, [{ level: 'debug', message: /destroyed in the meantime/ }])
    }
  }
})

t.test('destroy() lets the request begin anew, after a logout elsewhere', async t => {
  for (const method of ['destroy', 'delete'] as const) {
    const { store, visits, visit, session, sesid } = await begin({ a: 1 })
    store.entries.clear()
    await session.reload()
    session.set('lost', 1)
    await session.reload()
    t.strictSame(session.data(), {}, 'a session that has ended has nothing to reload')
    await session[method]()
    session.set('fresh', 1)
    const change = await visits.finish(visit)
    t.match(change, { change: 'send' })
    t.not((change as { sesid: string }).sesid, sesid)
    t.strictSame(store.data, { fresh: 1 })
    t.equal(session.deleted, true)
  }
})

t.test('the absolute timeout counts from the first login of the chain', async t => {
  const { store, visits, visit, session, sesid } = await begin({ a: 1, b: 1 })
  const createdAt = 12345
  store.write(store.nameOf(sesid), { text: '{"a":1,"b":1}', createdAt })
  await session.reload()
  await session.regenerate(['a'])
  t.equal(store.recordOf(session.sessionId as string)?.createdAt, createdAt)
  await session.regenerate(['b'])
  t.strictSame(store.ids, [], 'nothing is kept')
  session.set('c', 1)
  await session.save()
  t.equal(store.recordOf(session.sessionId as string)?.createdAt, createdAt, 'but the chain goes on')
  await session.regenerate(['c'])
  await session.destroy()
  session.set('d', 1)
  await visits.finish(visit)
  t.not(store.recordOf(session.sessionId as string)?.createdAt, createdAt, 'a session after destroy() is a new one')
})

t.test('it counts from there also for a session that this request itself has made, as over a WebSocket', async t => {
  for (const keep of [['a'], []]) {
    const store = new MemoryStore()
    const visits = new Visits(store)
    const visit = await visits.begin()
    visit.session.set('a', 1)
    await visit.session.save()
    const [entry] = store.entries.values()
    const createdAt = 12345
    if (entry !== undefined) entry.record = { ...entry.record, createdAt }
    await visit.session.regenerate(keep)
    visit.session.set('c', 1)
    await visits.finish(visit)
    t.equal(store.recordOf(visit.session.sessionId as string)?.createdAt, createdAt)
  }
})

t.test('data that are set while it goes on belong to the new session, also when it meets a conflict', async t => {
  const { store, visits, visit, session, sesid } = await begin({ cart: { a: 1 }, n: 1 })
  const gate = new Gate()
  let isFirst = true
  store.before = {
    remove: async () => {
      if (!isFirst) return
      isFirst = false
      await gate.pass()
      store.overwrite(sesid, '{"cart":{"a":1,"theirs":1},"n":2}')
    }
  }
  const cart = session.get('cart') as Record<string, number>
  const done = session.regenerate(['cart', 'n'])
  await gate.arrived
  cart['mine'] = 1
  session.set('user', 'ann')
  session.options({ maxAge: 50 })
  gate.open()
  await done
  const data = { cart: { a: 1, theirs: 1, mine: 1 }, n: 2, user: 'ann' }
  t.strictSame(session.data(), data)
  t.match(await visits.finish(visit), { change: 'send', maxAge: 50 })
  t.strictSame(store.data, data)
  t.equal(store.recordOf(session.sessionId as string)?.idleTimeout, 50)
})

t.test('another request removes what was to be kept', async t => {
  const { store, visits, visit, session, sesid } = await begin({ cart: 1 })
  let isFirst = true
  store.before = { remove: () => { if (isFirst) store.overwrite(sesid, '{}'); isFirst = false } }
  const done = session.regenerate(['cart'])
  session.set('late', 1)
  await done
  t.strictSame(session.data(), { late: 1 })
  t.strictSame(store.ids, [])
  t.match(await visits.finish(visit), { change: 'send' })
  t.strictSame(store.data, { late: 1 })
})

t.test('delete() meanwhile: neither session is left, and the cookie is cleared', async t => {
  for (const keys of [['a'], []]) {
    const { store, visits, visit, session } = await begin({ a: 1 })
    const gate = new Gate()
    store.before = { remove: () => gate.pass() }
    const done = session.regenerate(keys)
    await gate.arrived
    session.delete()
    gate.open()
    await done
    t.strictSame(session.data(), {})
    t.strictSame(await visits.finish(visit), { change: 'clear' })
    t.strictSame(store.ids, [])
  }
})

t.test('delete() meanwhile, and the store fails: what was dropped does not come back', async t => {
  const { store, visits, visit, session } = await begin({ a: 1, b: 1 })
  const gate = new Gate()
  store.before = { create: async () => { await gate.pass(); refuse() } }
  const done = session.regenerate(['a'])
  await gate.arrived
  session.delete()
  gate.open()
  await t.rejects(done, trouble)
  t.strictSame(session.data(), {})
  store.before = {}
  t.strictSame(await visits.finish(visit), { change: 'clear' })
  t.strictSame(store.ids, [])
})

t.test('a new session whose data cannot be merged holds what is stored', async t => {
  const { store, session, sesid } = await begin({ a: { x: 1 } })
  let isFirst = true
  store.before = {
    remove: () => {
      if (!isFirst) return
      isFirst = false
      session.set('a', Object.defineProperty({}, 'x', { get: refuse, enumerable: true }))
      store.overwrite(sesid, '{"a":{"x":2}}')
    }
  }
  await session.regenerate(['a'])
  t.strictSame(session.data(), { a: { x: 2 } })
  t.strictSame(store.data, { a: { x: 2 } })
})

t.test('what cannot be encoded is not kept: the session stays', async t => {
  const { store, session, sesid } = await begin({ a: 1 })
  session.set('a', 1n)
  await t.rejects(session.regenerate(['a']), { code: 'SESSION_CODEC' })
  t.equal(session.sessionId, sesid)
  t.strictSame(store.data, { a: 1 })
})

t.test('with the five methods alone', async t => {
  const store = new MapStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ cart: 1, drop: 1 })
  const logins = await Promise.all(Array.from({ length: 5 }, async () => {
    const visit = await visits.begin(sesid)
    await visit.session.regenerate(['cart'])
    visit.session.set('user', 'ann')
    return (await visits.finish(visit)).change
  }))
  t.strictSame(logins.sort(), ['none', 'none', 'none', 'none', 'send'])
  t.strictSame([...store.texts.values()], ['{"cart":1,"user":"ann"}'])
})
