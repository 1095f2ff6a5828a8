import { GRACE, timeLeft, touchInterval, type Clock, type Lifespan, type Lifetimes } from '../clock'
import { NO_VERSION } from '../index-lists'
import type { FileView } from './file-view'
import type { JournalRecord } from './journal'
import type { StoredSession } from '../session-record'
import type { SessionInfo } from '../store-abilities'

/** What was seen of a file that holds a session, expired or not. */
export type SessionView = FileView & { tip: JournalRecord }

/** Judges sessions by their files: whether they are alive, for how long, and whether a touch is due. */
export class SessionAges {
  readonly #limits: Lifetimes
  readonly #clock: Clock

  constructor (limits: Lifetimes, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** Returns the view, if there is a session in it that has not expired, or no longer ago than `grace` (milliseconds). */
  live (view: FileView, grace = 0, now?: number): SessionView | null {
    return holdsSession(view) && this.timeLeft(view, now) > -grace ? view : null
  }

  timeLeft (view: SessionView, now?: number): number {
    return timeLeft(lifespan(view), this.#limits, this.#clock, now)
  }

  /** Whether nothing keeps the name from being used anew: the session in the file is over, or there never was one. */
  isOver (view: FileView): boolean {
    if (holdsSession(view)) return this.timeLeft(view) <= 0
    return view.tip !== null || this.#clock.since(view.mtimeMs) > GRACE
  }

  /** Whether the last access is long enough ago to be set anew, or a time of the file lies in the future. */
  isTouchDue (view: SessionView, now = this.#clock.now()): boolean {
    const interval = this.#touchInterval(view)
    return Math.abs(now - view.atimeMs) > interval || view.mtimeMs - now > interval
  }

  /** Whether it was touched so lately, as by a request that came with this one, that it makes no difference to do so again. */
  isJustTouched (view: SessionView): boolean {
    const now = this.#clock.now()
    const difference = this.#touchInterval(view) / 60
    return Math.abs(now - view.atimeMs) < difference && view.mtimeMs - now < difference
  }

  /** Returns the session as the store returns it; null when there is none alive. */
  stored (view: FileView | null): StoredSession | null {
    if (view === null || !holdsSession(view)) return null
    const now = this.#clock.now()
    const idleLeft = this.timeLeft(view, now)
    if (idleLeft <= 0) return null
    const { text, id: version, idleTimeout, createdAt } = view.tip
    return {
      text,
      version,
      idleTimeout: idleTimeout === 0 ? undefined : idleTimeout,
      createdAt,
      touchDue: this.isTouchDue(view, now),
      idleLeft,
      lastAccess: lifespan(view).lastAccess,
      clock: now - performance.now()
    }
  }

  info (view: SessionView): SessionInfo {
    const { createdAt, lastAccess } = lifespan(view)
    return {
      age: this.#clock.since(createdAt),
      idle: this.#clock.since(lastAccess),
      idleLeft: this.timeLeft(view),
      size: Buffer.byteLength(view.tip.text)
    }
  }

  #touchInterval ({ tip }: SessionView): number {
    return touchInterval(tip.idleTimeout === 0 ? this.#limits.idleTimeout : tip.idleTimeout)
  }
}

/** Judges the lists of an index. */
export class ListAges extends SessionAges {
  /** A file that holds no record is a list of which nothing can be read, not one that is not there. */
  override stored (view: FileView | null): StoredSession | null {
    return view !== null && view.tip === null ? NO_RECORD : super.stored(view)
  }

  /** A list outlives sessions that go by the store's own idle timeout, which may be longer now than it was when the list was written. */
  override timeLeft (view: SessionView, now?: number): number {
    return Math.max(super.timeLeft(view, now), super.timeLeft({ ...view, tip: { ...view.tip, idleTimeout: 0 } }, now))
  }
}

const NO_RECORD: StoredSession = { text: '', version: NO_VERSION, idleTimeout: undefined, createdAt: undefined, touchDue: false, idleLeft: undefined }

export function holdsSession (view: FileView): view is SessionView {
  return view.tip?.ended === false
}

/** How long the session in a file has lived and lain idle. One without a record has its age by its file. */
export function lifespan ({ tip, atimeMs, mtimeMs }: Pick<FileView, 'tip' | 'atimeMs' | 'mtimeMs'>): Lifespan {
  return {
    createdAt: tip?.createdAt ?? mtimeMs,
    idleTimeout: tip?.idleTimeout ?? 0,
    lastAccess: Math.max(atimeMs, mtimeMs)
  }
}
