import { SessionText } from '../../lib/session/codec'
import { endSession } from '../../lib/session/ending'
import { Indexing } from '../../lib/session/indexing'
import { createSession, moveSession } from '../../lib/session/move'
import { headerOf, type PlainRecord, type SessionKey } from '../../lib/session/opened-session'
import { renewSession } from '../../lib/session/renewal'
import { SessionRecords } from '../../lib/session/session-records'
import { SessionLimitError } from '../../lib/errors'
import { IndexLabels } from '../../lib/store/index-labels'
import { sessionHandle } from '../../lib/store/session-id'
import { registerIndex, SessionIndex } from '../../lib/store/session-index'
import type { StoredSession } from '../../lib/store/session-record'
import { SharedRecords } from './indexed-records'
import type { IndexedWorld } from './indexed-world'
import type { Step } from './interleavings'
import { json } from './visits'

/** The number of the process that is there before the others. */
export const BEFORE = 9
/** A secret that all processes but that one have, unless it is said that all have it. */
export const NEWER = Buffer.from('a newer secret')
/** Milliseconds between the clocks of two processes: of two logins one is always the older. */
const APART = 100

/** Changes one process, to show that the search would find the mistake. */
export type Mutant = (process: Process) => void

/** One process of an indexed world, with its own view of the store. */
export class Process {
  readonly store: SharedRecords
  readonly index: SessionIndex
  readonly records: SessionRecords

  constructor (readonly world: IndexedWorld, readonly number: number, readonly step: Step) {
    const { shared, limit, onLimit, isRotated, isMixed } = world
    let ids = 0
    let ticks = 0
    this.store = new SharedRecords(shared, 'sessions', number, step, () => `a session id of process ${number}, the ${++ids}th`)
    this.index = new SessionIndex(this.store, () => shared.now, async () => {})
    const secrets = isMixed && number % 2 === 1 ? [null, NEWER] : [NEWER, null]
    if (isRotated || isMixed) Object.assign(this.index, { labels: new IndexLabels('sid', isRotated && number === BEFORE ? [null] : secrets) })
    registerIndex(this.store, this.index)
    const settled = { indexes: { user: (data: Record<string, unknown>) => data.user as number }, maxPerValue: limit === undefined ? {} : { user: limit }, onLimit }
    const clock = (): number => shared.now + (number === BEFORE ? 0 : number + 1) * APART + ++ticks
    this.records = new SessionRecords(this.store, this.store.cipher, new Indexing(this.store, settled, new SessionText(json), clock), () => shared.now)
  }

  /** A login that makes a session. Returns its key once it is answered; null when it was ended before, or refused. */
  async login (user: number): Promise<SessionKey | null> {
    try {
      const created = await createSession(this.records, { text: JSON.stringify({ user }) })
      if (created !== null) this.world.answer(created.name, user)
      return created
    } catch (error) {
      return unlessRefused(error)
    }
  }

  /** A session of a visitor who is not logged in. */
  async visit (): Promise<SessionKey> {
    const key = await createSession(this.records, { text: '{"cart":1}' }) as SessionKey
    this.world.answer(key.name, undefined)
    return key
  }

  /** The app calls for a new id. With `user`: it calls when that user has logged in. */
  async move (from: SessionKey, keepsLogin = true, user?: number): Promise<void> {
    this.world.mayMove = true
    const keep = (newest: StoredSession): PlainRecord => ({
      text: user === undefined ? newest.text : JSON.stringify({ user }),
      header: keepsLogin ? headerOf(newest) : {}
    })
    const move = await moveSession(this.records, from, null, keep).catch(unlessRefused)
    if (!move?.to) return
    this.world.moved(from.name, move.to.name)
    if (user !== undefined) this.world.answer(move.to.name, user)
  }

  /** A request with an id that has been in use for long, at its end. */
  async renew (from: SessionKey, keepsLogin = true): Promise<void> {
    const found = await this.records.find(from)
    if (found?.key.name !== from.name) return
    const renewed = (newest: StoredSession): PlainRecord => {
      const { text, idleTimeout, createdAt } = newest
      return { text, idleTimeout, createdAt, header: { ...keepsLogin ? headerOf(newest) : {}, renewedAt: 1 } }
    }
    const to = await renewSession(this.records, found.key, found.stored, renewed, 10)
    if (to !== null) this.world.moved(from.name, to.name)
  }

  /** A save that makes it the session of another user, or of none. */
  async become (key: SessionKey, user: number | undefined, note?: number): Promise<void> {
    for (;;) {
      const base = await this.records.read(key)
      if (base === null) {
        const to = await this.records.movedTo(key)
        if (to === null) return
        key = to
        continue
      }
      const swap = await this.records.replace(key, { text: JSON.stringify({ user, note }) }, base)
      if (swap.result === 'replaced') this.world.answer(key.name, user)
      if (swap.result !== 'conflict') return
    }
  }

  async destroy (key: SessionKey): Promise<void> {
    const ended = await endSession(this.records, key)
    if (ended !== null || !this.world.mayMove) this.world.ended(key.name)
  }

  async revokeAll (user: number): Promise<void> {
    const before = this.world.answeredWith(user)
    await this.index.revokeAll('user', user)
    this.world.revoked(before, this.index.labels.of('user', user))
  }

  /** A session that the app has moved has another handle. */
  async revoke (key: SessionKey): Promise<void> {
    const hasEnded = await this.index.revoke(sessionHandle(key.name))
    if (hasEnded || !this.world.mayMove) this.world.ended(key.name)
  }

  async list (user: number): Promise<void> {
    const listing = this.world.list(this.index.labels.of('user', user))
    const handles: string[] = []
    for await (const { handle } of this.index.sessionsOf('user', user)) handles.push(handle)
    this.world.listed(listing, handles)
  }

  async sweep (): Promise<void> {
    await this.index.sweep()
  }

  async wait (minutes: number): Promise<void> {
    await this.step('time passes')
    this.world.shared.now += minutes * 60_000
  }
}

function unlessRefused (error: unknown): null {
  if (error instanceof SessionLimitError) return null
  throw error
}
