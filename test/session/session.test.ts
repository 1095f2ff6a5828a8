import t from 'tap'
import { SessionError } from '../../lib/errors'
import { Session, type RequestSession } from '../../lib/session/session'
import type { Visit } from '../../lib/session/session-manager'
import { MemoryStore } from '../support/map-store'
import { json, Visits } from '../support/visits'

async function begin (data?: Record<string, unknown>): Promise<{ visits: Visits, store: MemoryStore, visit: Visit, session: Session & Record<string, unknown> }> {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const visit = data === undefined ? await visits.begin() : await visits.begin(await visits.stored(data))
  store.calls.length = 0
  return { visits, store, visit, session: visit.session as Session & Record<string, unknown> }
}

function texts (store: MemoryStore): string[] {
  return [...store.entries.values()].map(({ record }) => record.text)
}

const members = [
  'sessionId', 'handle', 'isNew', 'changed', 'deleted', 'freshAt', 'isFresh', 'authenticated', 'get', 'set', 'data', 'isModified', 'isSaved', 'save', 'reload', 'destroy',
  'delete', 'regenerate', 'update', 'touch', 'options', 'skipSave']

t.test('data are plain properties', async t => {
  const { session, visits, visit, store } = await begin({ user: 'ann', cart: [1] })
  t.equal(session['user'], 'ann')
  t.strictSame(Object.keys(session), ['user', 'cart'])
  t.strictSame({ ...session }, { user: 'ann', cart: [1] })
  t.equal(JSON.stringify(session), '{"user":"ann","cart":[1]}')
  t.equal('user' in session, true)
  ;(session['cart'] as number[]).push(2)
  session['n'] = 1
  delete session['user']
  await visits.finish(visit)
  t.strictSame(store.data, { cart: [1, 2], n: 1 })
})

t.test('get and set see the properties, and the other way round', async t => {
  const { session } = await begin({ user: 'ann' })
  t.equal(session.get('user'), 'ann')
  t.equal(session.get('nothing'), undefined)
  session.set('user', 'bob')
  t.equal(session['user'], 'bob')
  session['user'] = 'cid'
  t.equal(session.get('user'), 'cid')
})

t.test('names that members have can be set and got, not assigned', async t => {
  for (const name of members) {
    const { session, visits, visit, store } = await begin({ a: 1 })
    t.throws(() => { session[name] = 'x' }, { name: 'SessionError', code: 'SESSION_NAME_TAKEN', message: new RegExp(`session\\.${name} .*session\\.set\\('${name}'`) })
    t.equal(session.get(name), undefined, `${name}: nothing there at first`)
    session.set(name, { value: name })
    t.strictSame(session.get(name), { value: name })
    t.strictSame(session.data(), { [name]: { value: name }, a: 1 })
    t.equal(session.isModified(), true, `${name}: the member still works`)
    const change = await visits.finish(visit)
    t.strictSame(store.data, { a: 1, [name]: { value: name } })
    t.equal(change.change, 'none')

    const next = await visits.begin(store.ids[0] as string)
    t.strictSame(next.session.get(name), { value: name }, `${name}: loaded again`)
    t.equal(typeof Reflect.get(Session.prototype, 'save'), 'function')
  }
  const own = Object.getOwnPropertyNames(Session.prototype).filter(name => name !== '__proto__')
  t.strictSame(own.sort(), [...members].sort(), 'that is all members')
})

t.test('names that every object has are data like any other', async t => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'toJSON_', '__defineGetter__']) {
    for (const way of ['set', 'assign']) {
      const { session, visits, visit, store } = await begin({ a: 1 })
      t.equal(session.get(name), undefined, `${name}: nothing there at first`)
      if (way === 'set') session.set(name, { polluted: true })
      else session[name] = { polluted: true }
      t.strictSame(session.get(name), { polluted: true })
      t.strictSame(session[name], { polluted: true })
      t.ok(Object.hasOwn(session.data(), name), `${name}: in data()`)
      await visits.finish(visit)
      const stored = JSON.parse([...store.entries.values()][0]?.record.text as string) as object
      t.strictSame(Object.keys(stored).sort(), ['a', name].sort())
      const next = await visits.begin(store.ids[0] as string)
      t.strictSame(next.session.get(name), { polluted: true }, `${name}: loaded again`)
      t.ok(next.session instanceof Session)
      t.equal(({} as Record<string, unknown>)['polluted'], undefined, 'no other object has it')
      t.equal((next.session as unknown as Record<string, unknown>)['polluted'], undefined, 'nor has the session')
    }
  }
})

t.test('the class cannot be changed through a session', async t => {
  const { session } = await begin()
  t.equal(Object.getPrototypeOf(session), Session.prototype)
  t.equal(Reflect.get(session, '__proto__'), Session.prototype)
  t.ok(Object.isFrozen(Session.prototype))
  t.throws(() => { (Session.prototype as unknown as Record<string, unknown>)['user'] = 'all of them' }, TypeError)
})

t.test('data() is a copy', async t => {
  const { session } = await begin({ a: 1, deep: { b: 1 } })
  const data = session.data()
  data['a'] = 2
  t.equal(session['a'], 1)
  t.equal(data['deep'], session['deep'], 'one level deep')
})

t.test('isNew, isModified, changed, isSaved, sessionId', async t => {
  const { session, store } = await begin()
  const seen = (): unknown => [session.isNew, session.isModified(), session.changed, session.isSaved()]
  t.strictSame(seen(), [true, false, false, false])
  t.equal(session.sessionId, undefined)
  session['a'] = 1
  t.strictSame(seen(), [true, true, true, false])
  delete session['a']
  t.strictSame(seen(), [true, false, false, false])
  session['a'] = 1
  await session.save()
  t.strictSame(seen(), [false, false, false, true])
  t.equal(session.sessionId, store.ids[0])
  session['a'] = 2
  t.strictSame(seen(), [false, true, true, false])
  session['a'] = 1
  t.strictSame(seen(), [false, false, false, true], 'a change that is taken back is none')
})

t.test('a nested change counts', async t => {
  const { session } = await begin({ deep: { list: [{ n: 1 }] } })
  t.equal(session.changed, false)
  ;(session['deep'] as { list: Array<{ n: number }> }).list[0]!.n = 2
  t.equal(session.changed, true)
})

t.test('save, reload, destroy, regenerate: promise and callback', async t => {
  const calls: Record<string, (session: Session, callback?: (error?: Error | null) => void) => Promise<void> | undefined> = {
    save: (session, callback) => callback ? session.save(callback) as undefined : session.save(),
    reload: (session, callback) => callback ? session.reload(callback) as undefined : session.reload(),
    destroy: (session, callback) => callback ? session.destroy(callback) as undefined : session.destroy(),
    regenerate: (session, callback) => callback ? session.regenerate(callback) as undefined : session.regenerate(),
    regenerateKeeping: (session, callback) => callback ? session.regenerate(['keep'], callback) as undefined : session.regenerate(['keep']),
    regenerateUndefined: (session, callback) => callback ? session.regenerate(undefined, callback) as undefined : session.regenerate(undefined)
  }
  for (const [name, call] of Object.entries(calls)) {
    await t.test(name, async t => {
      const one = await begin({ keep: 1, drop: 2 })
      one.session['drop'] = 3
      t.equal(await call(one.session), undefined)

      const two = await begin({ keep: 1, drop: 2 })
      two.session['drop'] = 3
      const given = await new Promise((resolve, reject) => {
        t.equal(call(two.session, (...parameters: unknown[]) => { resolve(parameters) }), undefined, 'no promise beside a callback')
      })
      t.strictSame(given, [null])
      t.strictSame(two.session.data(), one.session.data(), 'both do the same')
      t.strictSame(texts(two.store), texts(one.store))

      const three = await begin({ keep: 1 })
      three.session['keep'] = 2
      const trouble = new SessionError('SESSION_FILE', 'no')
      const refuse = (): never => { throw trouble }
      three.store.before = { read: refuse, create: refuse, replace: refuse, remove: refuse }
      await t.rejects(call(three.session) as Promise<void>, trouble)
      const error = await new Promise(resolve => { call(three.session, resolve) })
      t.equal(error, trouble)
    })
  }
})

t.test('save stores at once, and the end of the request nothing more', async t => {
  const { session, store, visits, visit } = await begin({ n: 1 })
  session['n'] = 2
  await session.save()
  t.strictSame(store.data, { n: 2 })
  t.strictSame(store.calls, ['replace'])
  t.strictSame(await visits.finish(visit), { change: 'none' })
  t.strictSame(store.calls, ['replace'])
})

t.test('what is changed after a save is stored at the end', async t => {
  const { session, store, visits, visit } = await begin()
  session['n'] = 1
  await session.save()
  const sesid = session.sessionId
  session['n'] = 2
  t.match(await visits.finish(visit), { change: 'send', sesid })
  t.strictSame(store.data, { n: 2 })
})

t.test('reload drops changes and sees what others stored', async t => {
  const { session, store } = await begin({ a: 1, b: 1 })
  session['a'] = 2
  session['c'] = 3
  store.overwrite(store.ids[0] as string, '{"b":5}')
  await session.reload()
  t.strictSame(session.data(), { b: 5 })
  t.equal(session.changed, false)
  session['d'] = 1
  store.calls.length = 0
  await session.save()
  t.strictSame(store.calls, ['replace'], 'the version is the newest too')
  t.strictSame(store.data, { b: 5, d: 1 })
})

t.test('reload of what was never stored empties it', async t => {
  const { session, store } = await begin()
  session['a'] = 1
  await session.reload()
  t.strictSame(session.data(), {})
  t.equal(session.deleted, false)
  t.strictSame(store.calls, [])
})

t.test('reload of a session that was destroyed elsewhere', async t => {
  const { session, store, visits, visit } = await begin({ a: 1 })
  store.entries.clear()
  await session.reload()
  t.strictSame(session.data(), {})
  t.strictSame([session.deleted, session.isNew, session.sessionId], [true, true, undefined])
  t.strictSame(await visits.finish(visit), { change: 'none' })
})

t.test('reload of a text that cannot be decoded changes nothing here', async t => {
  const { session, store } = await begin({ a: 1 })
  session['a'] = 2
  store.overwrite(store.ids[0] as string, '{')
  await t.rejects(session.reload(), { code: 'SESSION_UNDECODABLE' })
  t.strictSame(session.data(), { a: 2 })
})

t.test('destroy', async t => {
  const { session, store, visits, visit } = await begin({ a: 1 })
  t.equal(session.deleted, false)
  await session.destroy()
  t.strictSame(store.ids, [])
  t.strictSame([session.deleted, session.isNew, session.sessionId, session.isModified()], [true, true, undefined, false])
  t.strictSame(session.data(), {})
  t.strictSame(await visits.finish(visit), { change: 'clear' })
  t.strictSame(store.calls, ['remove'])
})

t.test('destroy of what was never stored', async t => {
  const { session, store, visits, visit } = await begin()
  session['a'] = 1
  await session.destroy()
  t.strictSame(session.data(), {})
  t.strictSame(await visits.finish(visit), { change: 'none' })
  t.strictSame(store.calls, [])
})

t.test('data that are set after destroy make a new session', async t => {
  const { session, store, visits, visit } = await begin({ a: 1 })
  const old = session.sessionId
  await session.destroy()
  session['flash'] = 'bye'
  const change = await visits.finish(visit)
  t.match(change, { change: 'send' })
  t.not((change as { sesid: string }).sesid, old)
  t.strictSame(store.data, { flash: 'bye' })
})

t.test('delete is destroy at the end of the request', async t => {
  const { session, store, visits, visit } = await begin({ a: 1 })
  session.delete()
  t.strictSame([session.deleted, session.isNew], [true, true])
  t.strictSame(session.data(), {})
  t.strictSame(store.calls, [], 'not yet')
  t.strictSame(await visits.finish(visit), { change: 'clear' })
  t.strictSame(store.ids, [])
})

t.test('delete, then new data, then delete again', async t => {
  const { session, store, visits, visit } = await begin({ a: 1 })
  session.delete()
  session['b'] = 1
  await session.save()
  t.equal(store.ids.length, 1)
  session.delete()
  t.strictSame(await visits.finish(visit), { change: 'clear' })
  t.strictSame(store.ids, [])
})

t.test('regenerate', async t => {
  const { session, store, visits, visit } = await begin({ user: 'ann', cart: [1], get: 1 })
  const old = session.sessionId as string
  session.set('get', 'hidden')
  await session.regenerate(['cart', 'get', 'absent', 'toString'])
  t.strictSame(session.data(), { get: 'hidden', cart: [1] })
  t.not(session.sessionId, old)
  t.notOk(store.ids.includes(old))
  session['user'] = 'bob'
  const change = await visits.finish(visit)
  t.match(change, { change: 'send', sesid: session.sessionId as string })
  t.strictSame(store.data, { cart: [1], get: 'hidden', user: 'bob' })
})

t.test('regenerate without keys: nothing is stored until there is something', async t => {
  const { session, store, visits, visit } = await begin({ user: 'ann' })
  await session.regenerate()
  t.strictSame(store.ids, [])
  t.strictSame([session.isNew, session.sessionId], [true, undefined])
  t.strictSame(await visits.finish(visit), { change: 'clear' })
})

t.test('regenerate of what was never stored keeps the named data', async t => {
  const { session, store, visits, visit } = await begin()
  session['cart'] = [1]
  session['other'] = 1
  await session.regenerate(['cart'])
  t.strictSame(store.calls, [])
  t.strictSame(session.data(), { cart: [1] })
  t.match(await visits.finish(visit), { change: 'send' })
  t.strictSame(store.data, { cart: [1] })
})

t.test('regenerate keeps nested objects as they are: changes to them still count', async t => {
  const { session, store, visits, visit } = await begin({ cart: { apples: 1 } })
  const cart = session['cart'] as Record<string, number>
  await session.regenerate(['cart'])
  cart['apples'] = 2
  await visits.finish(visit)
  t.strictSame(store.data, { cart: { apples: 2 } })
})

t.test('regenerate keeps __proto__ as data', async t => {
  const { session, store } = await begin({ a: 1 })
  session.set('__proto__', { admin: true })
  await session.regenerate(['__proto__'])
  t.strictSame(session.get('__proto__'), { admin: true })
  t.equal((session as Record<string, unknown>)['admin'], undefined)
  t.equal([...store.entries.values()][0]?.record.text, '{"__proto__":{"admin":true}}')
})

t.test('regenerate keeps remember-me', async t => {
  for (const keys of [[], ['a']]) {
    const { session, store, visits, visit } = await begin({ a: 1 })
    session.options({ maxAge: 3600 })
    await session.save()
    await session.regenerate(keys)
    session['b'] = 1
    t.match(await visits.finish(visit), { change: 'send', maxAge: 3600 })
    t.strictSame([...store.entries.values()].at(-1)?.record.idleTimeout, 3600)
  }
})

t.test('regenerate takes effect at once: what is set while it goes on belongs to the new session', async t => {
  for (const keys of [[], ['cart']]) {
    const { session, store, visits, visit } = await begin({ user: 'ann', cart: [1] })
    const old = session.sessionId as string
    const done = session.regenerate(keys)
    t.strictSame(session.data(), keys.length === 0 ? {} : { cart: [1] })
    session.set('user', 'bob')
    await done
    t.strictSame(session.data(), { ...(keys.length === 0 ? {} : { cart: [1] }), user: 'bob' })
    t.match(await visits.finish(visit), { change: 'send' })
    t.notOk(store.ids.includes(old))
    t.strictSame(store.data, session.data())
  }
})

t.test('regenerate that fails gives the data back, and leaves what was set meanwhile', async t => {
  for (const method of ['create', 'remove'] as const) {
    const { session, store, visits, visit } = await begin({ user: 'ann', cart: [1], seen: 1 })
    const old = session.sessionId as string
    session.set('unsaved', true)
    store.before = { [method]: () => { throw new SessionError('SESSION_FILE', 'no') } }
    const done = session.regenerate(['cart', 'seen'])
    session.set('user', 'bob')
    session.set('late', 1)
    delete session['seen']
    await t.rejects(done, { code: 'SESSION_FILE' })
    t.equal(session.sessionId, old)
    const data = { user: 'bob', cart: [1], unsaved: true, late: 1 }
    t.strictSame(session.data(), data)
    store.before = {}
    t.match(await visits.finish(visit), { change: 'none' })
    t.strictSame(JSON.parse(store.recordOf(old)?.text ?? ''), data, 'the request can go on with the session that it had')
  }
})

t.test('regenerate: a store that fails on the way loses neither session', async t => {
  for (const method of ['create', 'remove'] as const) {
    const { session, store } = await begin({ a: 1 })
    const old = session.sessionId as string
    const before = session.data()
    store.before = { [method]: () => { throw new SessionError('SESSION_FILE', 'no') } }
    await t.rejects(session.regenerate(['a']), { code: 'SESSION_FILE' })
    t.ok(store.ids.includes(old))
    t.equal(session.sessionId, old)
    t.strictSame(session.data(), before)
  }
})

t.test('touch', async t => {
  const { session, store, visits, visit } = await begin({ a: 1 })
  session.touch()
  t.strictSame(store.calls, [])
  t.match(await visits.finish(visit), { change: 'refresh', sesid: store.ids[0] as string })
  t.strictSame(store.calls, ['touch', 'read'], 'the data are not written')
})

t.test('touch of what was never stored does nothing', async t => {
  const { session, store, visits, visit } = await begin()
  session.touch()
  t.strictSame(await visits.finish(visit), { change: 'none' })
  t.strictSame(store.calls, [])
})

t.test('options: maxAge is the session\'s own idle time, stored with it', async t => {
  const { session, store, visits, visit } = await begin({ a: 1 })
  const sesid = store.ids[0] as string
  session.options({ maxAge: 100.2 })
  t.equal(session.isModified(), true)
  t.match(await visits.finish(visit), { change: 'send', maxAge: 101 })
  t.equal(store.recordOf(sesid)?.idleTimeout, 101)
  t.strictSame(store.data, { a: 1 })

  store.touchDue = true
  const next = await visits.begin(sesid)
  t.match(await visits.finish(next), { change: 'refresh', maxAge: 101 }, 'the next request knows')
})

t.test('options: calls add up, a maxAge that is none is refused', async t => {
  const { session, visits, visit } = await begin({ a: 1 })
  session.options({ path: '/a', sameSite: 'strict' })
  session.options({ path: '/b', maxAge: undefined as unknown as number })
  for (const maxAge of [0, -1, NaN, Infinity, 1e300, 2 ** 32, '10' as unknown as number, null as unknown as number]) {
    t.throws(() => { session.options({ maxAge }) }, { name: 'SessionError', code: 'SESSION_OPTION', message: /maxAge/ })
  }
  t.match(await visits.finish(visit), { change: 'send', options: { path: '/b', sameSite: 'strict' } })
})

t.test('options: a value that is undefined puts nothing away, one that no cookie can have changes nothing', async t => {
  const { session, visits, visit } = await begin({ a: 1 })
  session.options({ path: '/a' })
  session.options({ path: undefined, secure: undefined } as unknown as { path: string })
  t.throws(() => { session.options({ maxAge: 10, sameSite: 'bogus' as 'lax' }) }, { name: 'SessionError', code: 'SESSION_OPTION', message: /sameSite/ })
  t.match(await visits.finish(visit), { change: 'send', maxAge: undefined, options: { path: '/a' } })
})

t.test('options: the maxAge ends with its session, the others are for the response', async t => {
  const { session, store, visits, visit } = await begin({ a: 1 })
  session.options({ path: '/a', maxAge: 100 })
  await session.destroy()
  session.set('b', 1)
  t.strictSame(await visits.finish(visit), { change: 'send', sesid: store.ids[0], maxAge: undefined, options: { path: '/a' } })
  t.equal(store.recordOf(store.ids[0] as string)?.idleTimeout, undefined)
})

t.test('options of a session that is not stored send nothing', async t => {
  const { session, visits, visit } = await begin()
  session.options({ maxAge: 10 })
  t.equal(session.isModified(), false)
  t.strictSame(await visits.finish(visit), { change: 'none' })
})

t.test('skipSave', async t => {
  const { session, store, visits, visit } = await begin({ n: 1 })
  session.skipSave()
  session['n'] = 2
  session.touch()
  t.strictSame(await visits.finish(visit), { change: 'none' })
  t.strictSame(store.calls, [])
  t.strictSame(store.data, { n: 1 })
})

t.test('skipSave, and save() all the same', async t => {
  const { session, store, visits, visit } = await begin()
  session.skipSave()
  session['n'] = 1
  await session.save()
  session['n'] = 2
  t.match(await visits.finish(visit), { change: 'send', sesid: session.sessionId as string })
  t.strictSame(store.data, { n: 1 })
})

t.test('skipSave keeps a new session from being made, and a destroyed one from nothing', async t => {
  const fresh = await begin()
  fresh.session.skipSave()
  fresh.session['n'] = 1
  t.strictSame(await fresh.visits.finish(fresh.visit), { change: 'none' })
  t.strictSame(fresh.store.ids, [])

  const old = await begin({ n: 1 })
  old.session.skipSave()
  old.session.delete()
  t.strictSame(await old.visits.finish(old.visit), { change: 'clear' })
  t.strictSame(old.store.ids, [])
})

t.test('update', async t => {
  const { session, store, visits, visit } = await begin({ n: 1, mine: 1 })
  session['mine'] = 2
  store.overwrite(store.ids[0] as string, '{"n":5,"mine":1,"theirs":1}')
  const answer = await session.update(draft => {
    draft['n'] = (draft['n'] as number) + 1
    return draft['n']
  })
  t.equal(answer, 6)
  t.strictSame(store.data, { n: 6, mine: 1, theirs: 1 }, 'what this request has not saved is not saved by it')
  t.strictSame(session.data(), { n: 6, mine: 2, theirs: 1 }, 'nor lost')
  t.equal(session.changed, true)
  await visits.finish(visit)
  t.strictSame(store.data, { n: 6, mine: 2, theirs: 1 })
})

t.test('update with a function that takes its time', async t => {
  const { session, store } = await begin({ n: 1 })
  const answer = await session.update(async draft => {
    await null
    draft['n'] = (draft['n'] as number) + 1
    return 'done'
  })
  t.equal(answer, 'done')
  t.strictSame(store.data, { n: 2 })
})

t.test('update of a session that is not stored yet makes it, with all that it holds', async t => {
  const { session, store, visits, visit } = await begin()
  session['mine'] = 1
  t.equal(await session.update(draft => { draft['n'] = 1; return 7 }), 7)
  t.strictSame(store.data, { mine: 1, n: 1 })
  t.strictSame(session.data(), { mine: 1, n: 1 })
  t.match(await visits.finish(visit), { change: 'send' })
  t.strictSame(store.calls, ['create'])
})

t.test('update that leaves a new session empty stores nothing', async t => {
  const { session, store } = await begin()
  await session.update(() => {})
  t.strictSame(store.calls, [])
})

t.test('update that changes nothing writes nothing', async t => {
  const { session, store } = await begin({ n: 1 })
  t.equal(await session.update(draft => draft['n']), 1)
  t.strictSame(store.calls, ['read'], 'it makes sure that it saw the newest')
})

t.test('update whose function throws stores nothing, and the next one works', async t => {
  for (const stored of [true, false]) {
    const { session, store } = await begin(stored ? { n: 1 } : undefined)
    const before = session.data()
    const fault = new RangeError('mine')
    await t.rejects(session.update(draft => { draft['n'] = 9; throw fault }), fault)
    await t.rejects(session.update(async draft => { draft['n'] = 9; throw fault }), fault)
    t.strictSame(session.data(), before)
    t.strictSame(store.calls, [])
    await session.update(draft => { draft['n'] = 2 })
    t.strictSame(store.data, { n: 2 })
  }
})

t.test('update of a session that was destroyed meanwhile', async t => {
  const { session, store, visits, visit } = await begin({ n: 1 })
  session['mine'] = 1
  store.entries.clear()
  t.equal(await session.update(draft => { draft['n'] = 2; return 'stored' }), undefined)
  t.strictSame(session.data(), {})
  t.equal(session.deleted, true)
  t.strictSame(store.ids, [])
  t.strictSame(await visits.finish(visit), { change: 'none' })
})

t.test('update stores the idle time that was set before', async t => {
  const { session, store } = await begin({ n: 1 })
  session.options({ maxAge: 50 })
  await session.update(() => {})
  t.equal(store.recordOf(store.ids[0] as string)?.idleTimeout, 50)
  t.equal(session.isModified(), false)
})

t.test('typed as Session with the data', async t => {
  const { session } = await begin()
  const typed: RequestSession = session
  t.equal(typed.isNew, true)
  t.equal(json.encode(typed.data()), '{}')
})

t.test('regenerate and update say what was meant, and do nothing', async t => {
  const { session, store } = await begin({ cart: 1 })
  const wrong = { name: 'SessionError', code: 'SESSION_ARGUMENT' }
  for (const keys of ['cart', { cart: true }, [1], 7, null]) {
    t.throws(() => session.regenerate(keys as unknown as string[]), { ...wrong, message: /regenerate\(\['cart'\]\)/ })
  }
  for (const change of [{ visits: 1 }, undefined, 'visits']) {
    t.throws(() => session.update(change as unknown as () => void), { ...wrong, message: /takes a function.*draft => / })
  }
  t.strictSame(session.data(), { cart: 1 })
  t.strictSame(store.calls, [])
})
