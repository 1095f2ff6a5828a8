import t from 'tap'
import { SessionError } from '../../lib/errors'
import type { Visit } from '../../lib/session/visit'
import { Gate } from '../support/barrier'
import { MemoryStore, PromptStore } from '../support/map-store'
import { Visits } from '../support/visits'

/** A session that a request loaded before its body arrived. */
async function begin (store: MemoryStore) {
  const visits = new Visits(store)
  const sesid = await visits.stored({ user: 'ann', n: 1 })
  const visit = await visits.begin(sesid)
  store.calls.length = 0
  return { store, visits, sesid, visit }
}

async function checkAgain (visit: Visit): Promise<void> {
  if (!visit.checkAgainNow()) await visit.checkAgain()
}

for (const [kind, make] of [['slow', () => new MemoryStore()], ['prompt', () => new PromptStore()]] as const) {
  t.test(`in a ${kind} store`, async t => {
    t.test('nothing happened meanwhile: one look', async t => {
      const { store, visits, visit } = await begin(make())
      await checkAgain(visit)
      t.strictSame(store.calls, kind === 'slow' ? ['read'] : [])
      t.strictSame(visit.session.data(), { user: 'ann', n: 1 })
      t.strictSame(await visits.finish(visit), { change: 'none' })
    })

    t.test('a logout meanwhile: the session is empty, and stores nothing', async t => {
      for (const opened of [false, true]) {
        const { store, visits, visit } = await begin(make())
        if (opened) visit.session.set('mine', 1)
        store.entries.clear()
        await checkAgain(visit)
        t.equal(visit.session.deleted, true)
        t.strictSame(visit.session.data(), {})
        visit.session.set('late', 1)
        t.strictSame(await visits.finish(visit), { change: 'none' })
        t.strictSame(store.ids, [])
      }
    })

    t.test('a change meanwhile is seen by a session that was not changed here', async t => {
      for (const opened of [false, true]) {
        const { store, visits, visit, sesid } = await begin(make())
        if (opened) visit.session.get('n')
        store.overwrite(sesid, '{"user":"ann","n":2}')
        await checkAgain(visit)
        t.strictSame(visit.session.data(), { user: 'ann', n: 2 })
        t.strictSame(await visits.finish(visit), { change: 'none' })
      }
    })

    t.test('a change meanwhile is merged at the end with what was changed here', async t => {
      const { store, visits, visit, sesid } = await begin(make())
      visit.session.set('mine', 1)
      store.overwrite(sesid, '{"user":"ann","n":2}')
      await checkAgain(visit)
      t.strictSame(visit.session.data(), { user: 'ann', n: 1, mine: 1 })
      await visits.finish(visit)
      t.strictSame(store.data, { user: 'ann', n: 2, mine: 1 })
    })

    t.test('what cannot be decoded by now is set aside', async t => {
      const { store, visits, visit, sesid } = await begin(make())
      visit.session.get('n')
      store.overwrite(sesid, 'no JSON')
      await checkAgain(visit)
      t.strictSame(visit.session.data(), {})
      visit.session.set('fresh', 1)
      t.match(await visits.finish(visit), { change: 'send' })
      t.strictSame(store.asides, ['no JSON'])
      t.strictSame(store.data, { fresh: 1 })
    })

    t.test('a request without a session looks at nothing', async t => {
      const { store, visits, visit } = await begin(make())
      await checkAgain(await visits.begin())
      await checkAgain(await visits.begin('unknown'))
      visit.session.delete()
      store.calls.length = 0
      t.equal(visit.checkAgainNow(), true)
      t.strictSame(store.calls, [])
    })
  })
}

t.test('a step that is under way comes first', async t => {
  const store = new PromptStore()
  const { visits, visit, sesid } = await begin(store)
  const gate = new Gate()
  store.before = { create: () => gate.pass() }
  const moved = visit.session.regenerate(['user'])
  await gate.arrived
  t.equal(visit.checkAgainNow(), false)
  const checked = visit.checkAgain()
  gate.open()
  await Promise.all([moved, checked])
  t.not(visit.session.sessionId, sesid)
  t.strictSame(visit.session.data(), { user: 'ann' })
  t.match(await visits.finish(visit), { change: 'send' })
})

t.test('a step that ended the session comes first', async t => {
  const { store, visits, visit } = await begin(new MemoryStore())
  const gate = new Gate()
  store.before = { remove: () => gate.pass() }
  const ended = visit.session.destroy()
  await gate.arrived
  const checked = visit.checkAgain()
  gate.open()
  await Promise.all([ended, checked])
  t.notOk(store.calls.includes('read'))
  t.strictSame(await visits.finish(visit), { change: 'clear' })
})

t.test('a store that fails then is the request\'s error', async t => {
  const trouble = new SessionError('SESSION_FILE', 'no')
  const { store, visit } = await begin(new MemoryStore())
  store.before = { read: () => { throw trouble } }
  await t.rejects(checkAgain(visit), trouble)
})
