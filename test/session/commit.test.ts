import t from 'tap'
import type { SessionCodec } from '../../lib/session/codec'
import { Gate } from '../support/barrier'
import { MapStore, MemoryStore } from '../support/map-store'
import { json, Visits } from '../support/visits'
import { sessionHandle } from '../../lib/store/session-id'

async function begin (data: Record<string, unknown>, codec = json) {
  const store = new MemoryStore()
  const visits = new Visits(store, { codec })
  const sesid = await visits.stored(data)
  const visit = await visits.begin(sesid)
  store.calls.length = 0
  return { store, visits, sesid, visit, session: visit.session }
}

/** Two requests at once, both loaded before either saves. */
async function two (data: Record<string, unknown>) {
  const first = await begin(data)
  const visit = await first.visits.begin(first.sesid)
  return { ...first, other: { visit, session: visit.session } }
}

t.test('unchanged data are not written', async t => {
  const { visits, visit, session, store } = await begin({ a: 1 })
  session.set('a', 1)
  t.strictSame(await visits.finish(visit), { change: 'none' })
  t.strictSame(store.calls, [])
})

t.test('two that change different keys: both are there', async t => {
  const { visits, visit, session, store, other } = await two({ a: 1, b: 1, gone: 1 })
  session.set('a', 2)
  session.set('gone', undefined)
  other.session.set('b', 2)
  other.session.set('new', { deep: 1 })
  await visits.finish(visit)
  await visits.finish(other.visit)
  t.strictSame(store.data, { a: 2, b: 2, new: { deep: 1 } })
  t.strictSame(store.calls, ['read', 'replace', 'replace', 'read', 'replace'])
})

t.test('two that change the same: the later one\'s value, key by key into objects', async t => {
  const { visits, visit, session, store, other } = await two({ deep: { a: 1, b: 1 }, list: [1] })
  Object.assign(session.get('deep') as object, { a: 'first', b: 'first' })
  session.set('list', [1, 'first'])
  Object.assign(other.session.get('deep') as object, { b: 'second' })
  other.session.set('list', [1, 'second'])
  await visits.finish(visit)
  await visits.finish(other.visit)
  t.strictSame(store.data, { deep: { a: 'first', b: 'second' }, list: [1, 'second'] })
})

t.test('save() that meets a conflict shows what the others stored', async t => {
  const { session, store, sesid } = await begin({ a: 1, b: 1 })
  session.set('a', 2)
  store.overwrite(sesid, '{"a":1,"b":2}')
  await session.save()
  t.strictSame(session.data(), { a: 2, b: 2 })
  t.equal(session.isSaved(), true)
  t.strictSame(store.data, { a: 2, b: 2 })
})

t.test('conflict after conflict: it goes on until it is stored', async t => {
  const { visits, visit, session, store, sesid } = await begin({ n: 0 })
  let others = 0
  store.before = {
    replace: () => {
      if (others < 20) store.overwrite(sesid, JSON.stringify({ n: 0, theirs: ++others }))
    }
  }
  session.set('mine', 1)
  await visits.finish(visit)
  t.strictSame(store.data, { n: 0, theirs: 20, mine: 1 })
})

t.test('someone who never stops writing is an error in the end, for save and update', async t => {
  const { session, store, sesid } = await begin({ n: 0 })
  let others = 0
  store.before = { replace: () => { store.overwrite(sesid, JSON.stringify({ theirs: ++others })) } }
  session.set('mine', 1)
  await t.rejects(session.save(), { name: 'SessionError', code: 'SESSION_CONFLICT', statusCode: 500 })
  t.equal(others, 1000)
  await t.rejects(session.update(draft => { draft['n'] = 1 }), { code: 'SESSION_CONFLICT' })
  t.equal(others, 2000)
  t.equal(session.get('mine'), 1, 'what was set is still there to be saved')
})

t.test('the session is destroyed meanwhile: the changes are dropped, and it is said', async t => {
  for (const moment of ['before', 'between'] as const) {
    const { visits, visit, session, store, sesid } = await begin({ n: 0 })
    if (moment === 'before') store.entries.delete(store.nameOf(sesid))
    else {
      store.before = {
        replace: () => { store.overwrite(sesid, '{"n":1}') },
        read: () => { store.entries.delete(store.nameOf(sesid)) }
      }
    }
    session.set('mine', 1)
    t.strictSame(await visits.finish(visit), { change: 'none' }, 'the cookie may be another request\'s new one')
    t.strictSame(store.ids, [])
    t.match(visits.log, [{ level: 'debug', message: /destroyed/, session: sessionHandle(store.nameOf(sesid)) }])
    t.notMatch(JSON.stringify(visits.log), sesid)
    t.equal(session.deleted, true)
    t.strictSame(session.data(), {})
  }
})

t.test('update that meets the end of the session between two tries', async t => {
  const { session, store, sesid } = await begin({ n: 0 })
  store.before = {
    replace: () => { store.overwrite(sesid, '{"n":1}') },
    read: () => { store.entries.delete(store.nameOf(sesid)) }
  }
  let runs = 0
  t.equal(await session.update(draft => { draft['n'] = 9; return ++runs }), undefined)
  t.equal(runs, 1)
  t.equal(session.deleted, true)
})

t.test('a hundred updates at once in one process meet no conflict', async t => {
  const { store, visits, sesid } = await begin({ n: 0 })
  const all = await Promise.all(Array.from({ length: 100 }, () => visits.begin(sesid)))
  store.calls.length = 0
  const answers = await Promise.all(all.map(visit => visit.session.update(draft => {
    draft['n'] = (draft['n'] as number) + 1
    return draft['n'] as number
  })))
  t.strictSame(store.data, { n: 100 })
  t.strictSame(answers, Array.from({ length: 100 }, (_, index) => index + 1))
})

t.test('a hundred updates that take their time: exact as well', async t => {
  const { store, visits, sesid } = await begin({ n: 0 })
  const all = await Promise.all(Array.from({ length: 100 }, () => visits.begin(sesid)))
  await Promise.all(all.map(visit => visit.session.update(async draft => {
    await null
    draft['n'] = (draft['n'] as number) + 1
  })))
  t.strictSame(store.data, { n: 100 })
})

t.test('update that decides to change nothing decides on the newest data', async t => {
  const { session, store, sesid } = await begin({ stock: 0 })
  store.overwrite(sesid, '{"stock":1}')
  const take = (): Promise<boolean | undefined> => session.update(draft => {
    if (draft['stock'] === 0) return false
    draft['stock'] = (draft['stock'] as number) - 1
    return true
  })
  t.equal(await take(), true)
  t.equal(await take(), false)
  t.strictSame(store.data, { stock: 0 })
  store.entries.clear()
  t.equal(await take(), undefined, 'of a destroyed session it decides nothing')
  t.equal(session.deleted, true)
})

t.test('steps of one request that nobody waited for', async t => {
  t.test('update, and the end of the request', async t => {
    const { visits, visit, session, store } = await begin({ n: 0 })
    const updated = session.update(draft => { draft['n'] = (draft['n'] as number) + 1 })
    session.set('mine', 1)
    await visits.finish(visit)
    await updated
    t.strictSame(store.data, { n: 1, mine: 1 })
  })

  t.test('update and save at once', async t => {
    const { session, store } = await begin({ n: 0 })
    session.set('mine', 1)
    await Promise.all([session.update(draft => { draft['n'] = 1 }), session.save()])
    t.strictSame(store.data, { n: 1, mine: 1 })
    t.strictSame(session.data(), { n: 1, mine: 1 })
  })

  t.test('what is set while a save is under way, and the save meets a conflict', async t => {
    const { visits, visit, session, store, sesid } = await begin({ a: 0, b: 0 })
    const gate = new Gate()
    store.before = { read: () => gate.pass() }
    session.set('a', 1)
    store.overwrite(sesid, '{"a":0,"b":1}')
    const saved = session.save()
    await gate.arrived
    session.set('late', 1)
    gate.open()
    await saved
    t.strictSame(session.data(), { a: 1, b: 1, late: 1 })
    t.strictSame(store.data, { a: 1, b: 1 })
    t.equal(session.isModified(), true)
    await visits.finish(visit)
    t.strictSame(store.data, { a: 1, b: 1, late: 1 })
  })

  t.test('updates of a session that is not stored yet', async t => {
    for (const pause of [false, true]) {
      const store = new MemoryStore()
      const visits = new Visits(store)
      const visit = await visits.begin()
      const add = (draft: Record<string, unknown>): void => { draft['n'] = (draft['n'] as number | undefined ?? 0) + 1 }
      const update = () => visit.session.update(pause ? async draft => { await null; add(draft) } : add)
      await Promise.all([update(), update(), update()])
      t.strictSame(store.data, { n: 3 }, 'none is lost, and there is one session')
      t.strictSame(visit.session.data(), { n: 3 })
    }
  })

  t.test('save, update and the end of the request for one that is not stored yet', async t => {
    const store = new MemoryStore()
    const visits = new Visits(store)
    const visit = await visits.begin()
    visit.session.set('a', 1)
    const all = Promise.all([visit.session.save(), visit.session.update(draft => { draft['b'] = 1 })])
    visit.session.set('c', 1)
    await visits.finish(visit)
    await all
    t.equal(store.ids.length, 1, 'there is one session')
    t.strictSame(store.data, { a: 1, b: 1, c: 1 })
  })

  t.test('save behind another request\'s save, and delete meanwhile', async t => {
    const { visits, visit, session, store, other } = await two({ a: 0 })
    const gate = new Gate()
    store.before = { replace: () => gate.pass() }
    other.session.set('theirs', 1)
    const theirs = visits.finish(other.visit)
    await gate.arrived
    session.set('a', 1)
    const saved = session.save()
    await Promise.resolve()
    session.delete()
    session.set('fresh', 1)
    gate.open()
    await Promise.all([theirs, saved])
    t.match(await visits.finish(visit), { change: 'send' })
    t.strictSame(store.data, { fresh: 1 })
  })

  t.test('update behind another request\'s save, and delete meanwhile', async t => {
    const { visits, visit, session, store, other } = await two({ a: 0 })
    const gate = new Gate()
    store.before = { replace: () => gate.pass() }
    other.session.set('theirs', 1)
    const theirs = visits.finish(other.visit)
    await gate.arrived
    let runs = 0
    const updated = session.update(() => ++runs)
    session.delete()
    session.set('fresh', 1)
    gate.open()
    await theirs
    t.equal(await updated, undefined)
    t.equal(runs, 0)
    await visits.finish(visit)
    t.strictSame(store.data, { fresh: 1 })
  })

  t.test('delete while a save is under way', async t => {
    const { visits, visit, session, store } = await begin({ a: 0 })
    const gate = new Gate()
    store.before = { replace: () => gate.pass() }
    session.set('a', 1)
    const saved = session.save()
    await gate.arrived
    session.delete()
    session.set('fresh', 1)
    gate.open()
    await saved
    t.strictSame(session.data(), { fresh: 1 })
    t.equal(session.isNew, true)
    t.match(await visits.finish(visit), { change: 'send' })
    t.strictSame(store.data, { fresh: 1 })
  })

  t.test('update that takes its time, and regenerate meanwhile', async t => {
    const { visits, visit, session, store } = await begin({ keep: 1 })
    const gate = new Gate()
    const updated = session.update(async draft => {
      await gate.pass()
      draft['n'] = 1
    })
    await gate.arrived
    await session.regenerate(['keep'])
    gate.open()
    t.equal(await updated, undefined, 'the session that it was for is gone')
    t.equal(session.get('keep'), 1, 'the new one stays')
    t.strictSame(await visits.finish(visit), { change: 'send', sesid: store.ids[0], maxAge: undefined, options: undefined })
    t.strictSame(store.data, { keep: 1 })
  })
})

t.test('a codec of one\'s own', async t => {
  t.test('that never gives the same text twice, as encryption does', async t => {
    let salt = 0
    const salted: SessionCodec = {
      encode: data => `${++salt} ${JSON.stringify(data)}`,
      decode: text => JSON.parse(text.slice(text.indexOf(' '))) as Record<string, unknown>
    }
    const { visits, visit, session, store, sesid } = await begin({ a: 1 }, salted)
    t.equal(session.isModified(), false)
    t.equal(session.isSaved(), true)
    t.strictSame(await visits.finish(visit), { change: 'none' })
    t.strictSame(store.calls, [], 'what is unchanged is not written')

    const anonymous = await visits.begin()
    t.equal(anonymous.session.isModified(), false)
    t.strictSame(await visits.finish(anonymous), { change: 'none' }, 'nor is a session made of nothing')

    const next = await visits.begin(sesid)
    next.session.set('b', 1)
    t.equal(next.session.isModified(), true)
    await visits.finish(next)
    t.strictSame(salted.decode(store.recordOf(sesid)?.text as string), { a: 1, b: 1 })
    store.calls.length = 0
    await (await visits.begin(sesid)).session.update(() => {})
    t.notOk(store.calls.includes('replace'), 'nor by an update that changes nothing')
  })

  t.test('that holds more than JSON does', async t => {
    const dates: SessionCodec = {
      encode: data => JSON.stringify(Object.entries(data).map(([key, value]) => [key, value instanceof Date ? { at: +value } : value])),
      decode: text => Object.fromEntries((JSON.parse(text) as Array<[string, { at: number }]>).map(([key, { at }]) => [key, new Date(at)]))
    }
    const { visits, sesid, session, store } = await begin({ since: new Date(5) }, dates)
    t.strictSame(session.get('since'), new Date(5))
    const other = await visits.begin(sesid)
    session.set('mine', new Date(6))
    other.session.set('theirs', new Date(7))
    await other.session.save()
    await session.save()
    t.strictSame(dates.decode(store.recordOf(sesid)?.text as string), { since: new Date(5), mine: new Date(6), theirs: new Date(7) })
  })

  t.test('that cannot encode what is set: the request fails, what is stored stays', async t => {
    const { visits, visit, session, store } = await begin({ a: 1 })
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    session.set('circle', circle)
    await t.rejects(session.save(), { name: 'SessionError', code: 'SESSION_CODEC', message: /encoded \(TypeError: .* BigInt/, cause: undefined })
    await t.rejects(visits.finish(visit), { name: 'SessionError', code: 'SESSION_CODEC', message: /encoded \(TypeError: .* BigInt/, cause: undefined })
    await t.rejects(session.update(draft => { draft['n'] = 1n }), { name: 'SessionError', code: 'SESSION_CODEC', message: /encoded \(TypeError: .* BigInt/, cause: undefined })
    t.strictSame(store.data, { a: 1 })
  })
})

t.test('with the five methods alone', async t => {
  const interleaved = async (first: Visits, second: Visits, sesid: string): Promise<void> => {
    const [one, two] = [await first.begin(sesid), await second.begin(sesid)]
    one.session.set('a', 1)
    two.session.set('b', 1)
    await Promise.all([first.finish(one), second.finish(two)])
  }

  t.test('requests of one process lose nothing', async t => {
    const store = new MapStore()
    const visits = new Visits(store)
    const sesid = await visits.stored({ a: 0, b: 0 })
    await interleaved(visits, visits, sesid)
    t.equal(store.texts.get(sesid), '{"a":1,"b":1}')
  })

  t.test('of two processes that compare at the same time, the last writer wins', async t => {
    const store = new MapStore()
    const [here, there] = [new Visits(store), new Visits(store)]
    const sesid = await here.stored({ a: 0, b: 0 })
    await interleaved(here, there, sesid)
    t.equal(store.texts.get(sesid), '{"a":0,"b":1}')
  })

  t.test('two processes one after the other lose nothing', async t => {
    const store = new MapStore()
    const [here, there] = [new Visits(store), new Visits(store)]
    const sesid = await here.stored({ a: 0, b: 0 })
    const [one, two] = [await here.begin(sesid), await there.begin(sesid)]
    one.session.set('a', 1)
    two.session.set('b', 1)
    await here.finish(one)
    await there.finish(two)
    t.equal(store.texts.get(sesid), '{"a":1,"b":1}')
  })
})
