import t from 'tap'
import { SessionError } from '../../lib/errors'
import type { CookieChange, CookieOutlet } from '../../lib/session/session-manager'
import type { Visit } from '../../lib/session/visit'
import { Gate } from '../support/barrier'
import { MemoryStore, PromptStore } from '../support/map-store'
import { begin, Visits } from '../support/visits'

const trouble = new SessionError('SESSION_FILE', 'no')

const refuse = (): never => { throw trouble }

/** A response that a test closes. It has what was put on it last. */
class TestOutlet implements CookieOutlet {
  last: CookieChange | undefined
  reason: string | null = null
  /** Whether the end of the request may put a cookie on it. */
  isOpenAtEnd = true

  closedBecause (isEnd: boolean): string | null {
    return isEnd && !this.isOpenAtEnd ? 'the response is sent' : this.reason
  }

  put (change: CookieChange): void {
    this.last = change
  }

  opened (): void {}
}

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

t.test('an end that takes time, and a second reply meanwhile', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const visit = await visits.begin(await visits.stored({ a: 1 }))
  visit.session.options({ maxAge: 5 })
  const gate = new Gate()
  store.before = { replace: () => gate.pass() }
  t.equal(visit.finishNow(), undefined)
  const first = visit.finish()
  t.equal(visit.finishNow(), undefined)
  const second = visit.finish()
  gate.open()
  t.match(await first, { change: 'send' })
  t.strictSame(await second, { change: 'none' }, 'it waited, and sets no second cookie')
  t.strictSame(await visit.finish(), { change: 'none' })
})

t.test('an end that fails, and a second reply meanwhile', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const visit = await visits.begin(await visits.stored({ a: 1 }))
  visit.session.set('a', 2)
  store.before = { replace: refuse }
  t.equal(visit.finishNow(), undefined)
  await t.rejects(Promise.all([visit.finish(), t.rejects(visit.finish(), trouble)]), trouble)
  t.strictSame(visit.finishNow(), { change: 'none' })
})

t.test('an end that fails: the answer that says so tells the visitor what was done before', async t => {
  const before: Record<string, (visit: Visit) => Promise<void>> = {
    send: visit => visit.session.regenerate(['a']),
    clear: visit => visit.session.destroy()
  }
  for (const [change, act] of Object.entries(before)) {
    for (const store of [new MemoryStore(), new PromptStore(refuse)]) {
      const visits = new Visits(store)
      const visit = await visits.begin(await visits.stored({ a: 1 }))
      await act(visit)
      visit.session.set('a', 2)
      store.before = { create: refuse, replace: refuse }
      await t.rejects(visits.finish(visit), trouble)
      t.match(visit.finishNow(), { change, ...(change === 'send' ? { sesid: store.ids[0] } : {}) })
      t.strictSame(visit.finishNow(), { change: 'none' }, 'once')
    }
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

t.test('a cookie that a retired secret signed is sent again, once', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1 })
  const send = { change: 'send', sesid, maxAge: undefined, options: undefined }
  const unopened = await visits.bring({ sesid, renew: true })
  t.equal(unopened.needsNoFinish, false)
  t.strictSame(await visits.finish(unopened), send)
  const opened = await visits.bring({ sesid, renew: true })
  opened.session.get('a')
  t.strictSame(await visits.finish(opened), send)
  const unknown = await visits.bring({ sesid: 'unknown', renew: true })
  t.equal(unknown.needsNoFinish, true)
  t.strictSame(await visits.finish(unknown), { change: 'none' })
  const ended = await visits.bring({ sesid, renew: true })
  await ended.session.destroy()
  t.strictSame(await visits.finish(ended), { change: 'clear' })
})

for (const kind of ['slow', 'prompt'] as const) {
  t.test(`an answer that is late does not send the cookie of a session that ended meanwhile, in a ${kind} store`, async t => {
    const reasons: Record<string, (visit: Visit) => void> = {
      'a touch that is due': () => {},
      touch: visit => { visit.session.touch() },
      options: visit => { visit.session.options({ sameSite: 'strict' }) },
      renewal: () => {}
    }
    for (const [reason, ask] of Object.entries(reasons)) {
      const store = kind === 'slow' ? new MemoryStore() : new PromptStore()
      const visits = new Visits(store)
      const sesid = await visits.stored({ a: 1 })
      store.touchDue = reason === 'a touch that is due'
      const late = await visits.bring({ sesid, renew: reason === 'renewal' })
      ask(late)
      const other = await visits.begin(sesid)
      await other.session.regenerate(['a'])
      t.match(await visits.finish(other), { change: 'send' })
      t.strictSame(await visits.finish(late), { change: 'none' }, reason)
      t.equal(late.session.deleted, true, reason)
    }
  })
}

t.test('an answer that is late sends the cookie for as long as another request has asked for meanwhile', async t => {
  const store = new PromptStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1 })
  const late = await visits.begin(sesid)
  late.session.options({ sameSite: 'strict' })
  const other = await visits.begin(sesid)
  other.session.options({ maxAge: 500 })
  await visits.finish(other)
  t.match(await visits.finish(late), { change: 'send', sesid, maxAge: 500 })
})

t.test('two logouts at once: the one that removed it clears the cookie', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const sesid = await visits.stored({ a: 1 })
  const both = [await visits.begin(sesid), await visits.begin(sesid)]
  const changes = await Promise.all(both.map(async visit => {
    await visit.session.destroy()
    return (await visits.finish(visit)).change
  }))
  t.strictSame(changes, ['clear', 'none'])
})

t.test('of a request that ends a session which it made itself, the cookie is left alone', async t => {
  const store = new MemoryStore()
  const visits = new Visits(store)
  const visit = await visits.begin('unknown')
  visit.session.set('a', 1)
  await visit.session.save()
  await visit.session.destroy()
  t.strictSame(await visits.finish(visit), { change: 'none' })
  t.strictSame(store.ids, [])
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

t.test('a cookie that is due before the end is put on the response, and again when it changes', async t => {
  const { visits, visit, session, store, sesid } = await begin({ a: 1 })
  const outlet = visit.outlet = new TestOutlet()
  session.set('a', 2)
  await session.save()
  t.equal(outlet.last, undefined, 'the visitor has the cookie')
  await session.regenerate(['a'])
  t.match(outlet.last, { change: 'send', sesid: store.ids[0] })
  t.not(store.ids[0], sesid)
  await session.destroy()
  t.strictSame(outlet.last, { change: 'clear' })
  t.ok(visit.hasLoggedOut)
  session.set('b', 1)
  await session.save()
  t.match(outlet.last, { change: 'send', sesid: store.ids[0] })
  t.match(await visits.finish(visit), { change: 'send', sesid: store.ids[0] })
  t.ok(visit.hasLoggedOut, 'of the session that the cookie brought')
})

t.test('a new session is not made where its cookie cannot reach the visitor, before the end and at it', async t => {
  const unreachable = { code: 'SESSION_UNREACHABLE', message: /cannot reach the visitor: the .*\. Nothing is stored/ }
  const store = new MemoryStore()
  const visits = new Visits(store)
  for (const isEnd of [false, true]) {
    const visit = await visits.begin()
    const outlet = visit.outlet = new TestOutlet()
    if (isEnd) outlet.isOpenAtEnd = false
    else outlet.reason = 'the headers have gone out'
    visit.session.set('a', 1)
    await t.rejects(async () => { await (isEnd ? visits.finish(visit) : visit.session.save()) }, unreachable)
  }
  t.strictSame(store.ids, [])
  const outside = await visits.begin()
  outside.session.set('a', 1)
  t.match(await visits.finish(outside), { change: 'send' }, 'without a response the caller takes care of the cookie')
})

t.test('what an app changes after the end is noticed, and also that no end came', async t => {
  const { visits, visit, session } = await begin({ a: 1, nested: { b: 1 } })
  t.ok(visit.mayHaveLateChanges(), 'no end came')
  t.notOk(visit.hasUnsaved())
  session.set('a', 2)
  t.ok(visit.hasUnsaved())
  await visits.finish(visit)
  t.notOk(visit.mayHaveLateChanges())
  t.notOk(visit.hasUnsaved())
  session.set('a', 3)
  t.ok(visit.mayHaveLateChanges())
  t.ok(visit.hasUnsaved())
  const saved = session.save()
  t.equal(await visit.hasUnsavedAfterSteps(), false, 'the steps come first')
  await saved
  session.set('a', 4)
  t.equal(await visit.hasUnsavedAfterSteps(), true)
  session.skipSave()
  t.notOk(visit.hasUnsaved(), 'which is as the app wants it')
})
