import t from 'tap'
import { SessionError, SessionStoreError } from '../../lib/errors'
import * as moving from '../../lib/session/move'
import { SessionRecords } from '../../lib/session/session-records'
import type { SessionRecord, StoredSession } from '../../lib/store/session-record'
import { MemoryStore } from '../support/map-store'

type Keep = Parameters<typeof moving.moveSession>[3]

const moveSession = (store: MemoryStore, name: string, base: StoredSession | null, keep: Keep): Promise<moving.Move | null> =>
  moving.moveSession(new SessionRecords(store, store.cipher), { sesid: 'from', name }, base, keep)
const createSession = (store: MemoryStore, record: SessionRecord): ReturnType<typeof moving.createSession> =>
  moving.createSession(new SessionRecords(store, store.cipher), record)
const trouble = new SessionError('SESSION_FILE', 'no')
const refuse = (): never => { throw trouble }
const keep = ({ text, createdAt }: StoredSession): SessionRecord => ({ text: `kept ${text}`, createdAt })

async function begin (record: SessionRecord = { text: 'old' }) {
  const store = new MemoryStore()
  const from = store.nameOf('from')
  store.write(from, record)
  const base = store.peek(from)
  store.calls.length = 0
  return { store, from, base }
}

t.test('the new session is there before the old one goes', async t => {
  const { store, from, base } = await begin({ text: 'old', createdAt: 5 })
  const move = await moveSession(store, from, base, keep)
  t.strictSame(store.calls, ['create', 'remove'])
  t.match(move, { conflicts: 0, to: { stored: { text: 'kept old', createdAt: 5, touchDue: false } } })
  t.strictSame(store.ids, [move?.to?.sesid])
  t.strictSame(store.peek(move?.to?.name as string)?.version, move?.to?.stored.version)
  t.match(store.peek(move?.to?.name as string), { text: 'kept old', createdAt: 5 })
})

t.test('a caller who does not know the newest record has it read', async t => {
  const { store, from } = await begin()
  t.match(await moveSession(store, from, null, keep), { to: { stored: { text: 'kept old' } } })
  t.strictSame(store.calls, ['read', 'create', 'remove'])
})

t.test('what was stored before the old session went is in the new one', async t => {
  const { store, from, base } = await begin()
  let updates = 0
  store.before = { remove: () => { if (updates < 3) store.write(from, { text: `update ${++updates}` }) } }
  const move = await moveSession(store, from, base, keep)
  t.match(move, { conflicts: 3, to: { stored: { text: 'kept update 3' } } })
  t.strictSame(store.ids, [move?.to?.sesid])
  t.match(await store.replace(move?.to?.name as string, { text: 'next' }, move?.to?.stored.version as string), { result: 'replaced' })
})

t.test('another request ends the old session first: nothing is left behind', async t => {
  for (const verb of ['create', 'remove', 'read', 'replace'] as const) {
    const { store, from, base } = await begin()
    let isFirst = true
    const update = (): void => {
      if (isFirst && store.entries.has(from)) store.write(from, { text: 'update' })
      isFirst = false
    }
    store.before = { remove: update, [verb]: () => { store.entries.delete(from) } }
    t.equal(await moveSession(store, from, base, keep), null, verb)
    t.equal(store.entries.size, 0)
  }
})

t.test('of many moves at once one wins, and the others leave no session behind', async t => {
  const { store, from, base } = await begin()
  const moves = await Promise.all(Array.from({ length: 8 }, () => moveSession(store, from, base, keep)))
  const won = moves.filter(move => move !== null)
  t.equal(won.length, 1)
  t.strictSame(store.ids, [won[0]?.to?.sesid])
})

t.test('nothing is kept: no new session is made, and one that was is removed', async t => {
  const { store, from, base } = await begin()
  t.strictSame(await moveSession(store, from, base, () => null), { to: null, conflicts: 0 })
  t.strictSame(store.calls, ['remove'])

  const other = await begin()
  let isFirst = true
  other.store.before = { remove: () => { if (isFirst) other.store.write(from, { text: '' }); isFirst = false } }
  const move = await moveSession(other.store, from, other.base, newest => newest.text === '' ? null : keep(newest))
  t.strictSame(move, { to: null, conflicts: 1 })
  t.strictSame(other.store.ids, [])
})

t.test('the new session vanishes on the way, as by clear(): another one is made', async t => {
  const { store, from, base } = await begin()
  let isFirst = true
  store.before = {
    remove: () => { if (isFirst) store.write(from, { text: 'update' }); isFirst = false },
    replace: name => { store.entries.delete(name) }
  }
  const move = await moveSession(store, from, base, keep)
  t.match(move, { conflicts: 1, to: { stored: { text: 'kept update' } } })
  t.strictSame(store.ids, [move?.to?.sesid])
})

t.test('a store that fails on the way loses no session, and none is left behind', async t => {
  for (const verb of ['create', 'remove', 'replace', 'read'] as const) {
    const { store, from, base } = await begin()
    let conflicts = 0
    store.before = { remove: name => { if (name === from && conflicts++ === 0) store.write(from, { text: 'update' }) } }
    const { before } = store
    store.before = verb === 'remove' ? { remove: name => { if (name === from) throw trouble } } : { ...before, [verb]: refuse }
    await t.rejects(moveSession(store, from, base, keep), trouble)
    t.strictSame(store.ids, ['from'], verb)
  }
  const { store, from, base } = await begin()
  store.before = { remove: refuse }
  await t.rejects(moveSession(store, from, base, keep), trouble, 'the first error counts, though the new session cannot be removed')
})

t.test('a server whose answer was lost is asked again, so that the new session is not discarded after the old one went', async t => {
  const lost = new SessionStoreError('it is not known whether the server did it')
  for (const outcome of ['removed', 'saved first', 'ended first'] as const) {
    const { store, from, base } = await begin()
    const { remove } = store
    let asked = 0
    // As a store that recognises a repeated call does.
    store.remove = async (name, version) => {
      if (name !== from) return await remove.call(store, name, version)
      asked++
      if (asked === 1 && outcome === 'saved first') store.write(from, { text: 'update' })
      if (asked === 1 && outcome !== 'saved first') store.entries.delete(from)
      if (asked < 4) throw lost
      if (outcome === 'removed') return 'removed'
      return await remove.call(store, name, version)
    }
    const move = await moveSession(store, from, base, keep)
    if (outcome === 'ended first') t.equal(move, null, 'another request won')
    else t.match(move, { to: { stored: { text: outcome === 'removed' ? 'kept old' : 'kept update' } } }, outcome)
    t.strictSame(store.ids, outcome === 'ended first' ? [] : [move?.to?.sesid])
  }
})

t.test('a move whose outcome stays unknown fails with the store\'s error, and no session is left behind', async t => {
  const { store, from, base } = await begin()
  const lost = new SessionStoreError('it is not known whether the server did it')
  let asked = 0
  store.before = {
    remove: name => {
      if (name === from && asked++ === 0) store.entries.delete(from)
      if (name === from) throw lost
    }
  }
  await t.rejects(moveSession(store, from, base, keep), lost)
  t.equal(asked, 5)
  t.strictSame(store.ids, [])
})

t.test('what the store refuses ends the move at once, and leaves the session as it was', async t => {
  const refused = new SessionStoreError('no memory left', { outcome: 'refused' })
  for (const verb of ['create', 'remove', 'replace', 'read'] as const) {
    const { store, from, base } = await begin()
    let conflicts = 0
    let asked = 0
    const conflict = (name: string): void => { if (name === from && conflicts++ === 0) store.write(from, { text: 'update' }) }
    store.before = {
      remove: conflict,
      [verb]: (name: string) => {
        if (verb === 'remove' && name !== from) return
        asked++
        throw refused
      }
    }
    const record = store.peek(from)
    await t.rejects(moveSession(store, from, base, keep), refused)
    t.equal(asked, 1, `${verb} is not repeated`)
    t.strictSame(store.ids, ['from'])
    if (verb !== 'replace' && verb !== 'read') t.strictSame(store.peek(from), record)
  }
})

t.test('an end that too few replicas have is asked for again, and the move is done when none confirms it', async t => {
  const unconfirmed = new SessionStoreError('only 0 of 1 replicas', { outcome: 'unconfirmed' })
  for (const confirmedAt of [3, Infinity]) {
    const { store, from, base } = await begin()
    const { remove } = store
    let asked = 0
    store.remove = async (name, version) => {
      if (asked++ === 0) await remove.call(store, name, version)
      if (asked < confirmedAt) throw unconfirmed
      return 'removed'
    }
    const move = await moveSession(store, from, base, keep)
    t.equal(asked, Math.min(confirmedAt, 5))
    t.strictSame(store.ids, [move?.to?.sesid], 'the new session is all that is left')
    t.equal(move?.unconfirmed, confirmedAt === 3 ? undefined : unconfirmed)
  }
})

t.test('an end that too few replicas have stays one, whatever the store says when it is asked again', async t => {
  const unconfirmed = new SessionStoreError('only 0 of 1 replicas', { outcome: 'unconfirmed' })
  const later = { unknown: new SessionStoreError('lost'), refused: new SessionStoreError('no', { outcome: 'refused' }), other: trouble, gone: null }
  for (const [outcome, error] of Object.entries(later)) {
    const { store, from, base } = await begin()
    const { remove } = store
    let asked = 0
    store.remove = async (name, version) => {
      const removal = await remove.call(store, name, version)
      if (name === from && asked++ === 0) throw unconfirmed
      if (name === from && error !== null) throw error
      return removal
    }
    const move = await moveSession(store, from, base, keep)
    t.match(move, { to: { stored: { text: 'kept old' } } }, outcome)
    t.strictSame(store.ids, [move?.to?.sesid], 'the new session is all that is left')
    t.equal(move?.unconfirmed, unconfirmed)
    t.equal(asked, outcome === 'unknown' ? 5 : 2)
  }
})

t.test('an end that too few replicas had, and a failover lost: a save that came between is in the new session', async t => {
  const { store, from, base } = await begin()
  let isFirst = true
  store.before = {
    remove: name => {
      if (name !== from || !isFirst) return
      isFirst = false
      store.write(from, { text: 'update' })
      throw new SessionStoreError('only 0 of 1 replicas', { outcome: 'unconfirmed' })
    }
  }
  const move = await moveSession(store, from, base, keep)
  t.match(move, { conflicts: 1, to: { stored: { text: 'kept update' } } })
  t.equal(move?.unconfirmed, undefined)
  t.strictSame(store.ids, [move?.to?.sesid])
})

t.test('what keep throws is the caller\'s', async t => {
  const { store, from, base } = await begin()
  await t.rejects(moveSession(store, from, base, refuse), trouble)
  t.strictSame(store.ids, ['from'])
})

t.test('a process that never stops writing is an error in the end', async t => {
  const { store, from, base } = await begin()
  let updates = 0
  store.before = { remove: name => { if (name === from) store.write(from, { text: `${++updates}` }) } }
  await t.rejects(moveSession(store, from, base, keep), { name: 'SessionError', code: 'SESSION_CONFLICT' })
  t.equal(updates, 1000)
  t.strictSame(store.ids, ['from'])
})

t.test('createSession asks for another id when one is taken, and gives up on a broken generator', async t => {
  const ids = ['taken', 'taken', 'free']
  const store = new MemoryStore('sid', () => ids.shift() ?? 'taken')
  store.write(store.nameOf('taken'), { text: '' })
  t.match(await createSession(store, { text: 'new' }), { sesid: 'free', stored: { text: 'new' } })
  await t.rejects(createSession(store, { text: 'new' }), { name: 'SessionError', code: 'SESSION_ID', message: /idGenerator/ })
  t.strictSame(store.ids, ['taken', 'free'])
})

t.test('a session that the store made, and failed all the same, is removed again', async t => {
  for (const outcome of ['unconfirmed', 'unknown', 'refused'] as const) {
    for (const removing of ['works', 'fails']) {
      const { store, from, base } = await begin()
      const failed = new SessionStoreError('no', { outcome })
      const { create } = store
      store.create = async (name, record) => {
        if (outcome !== 'refused') await create.call(store, name, record)
        throw failed
      }
      if (removing === 'fails') store.before = { remove: refuse }
      await t.rejects(createSession(store, { text: 'new' }), failed)
      await t.rejects(moveSession(store, from, base, keep), failed, 'the first error counts')
      t.equal(store.calls.includes('remove'), outcome !== 'refused', 'what was refused needs no removal')
      t.strictSame(store.ids.length, removing === 'works' || outcome === 'refused' ? 1 : 3)
      t.match(store.peek(from), { text: 'old' })
    }
  }
})
