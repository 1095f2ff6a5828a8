import { performance } from 'node:perf_hooks'

/** When sessions end, in seconds. */
export interface Lifetimes {
  /** Without access. */
  idleTimeout: number
  /** In all, whatever happens; `undefined`: for ever. */
  absoluteTimeout: number | undefined
}

/** The moments that a session's age is judged by, in milliseconds since 1970. */
export interface Lifespan {
  createdAt: number
  lastAccess: number
  /** Seconds; 0 for the store's own. */
  idleTimeout: number
}

/**
 * Milliseconds after its end for which requests that loaded a session before can still save and touch it.
 * New requests do not get it.
 */
export const GRACE = 60_000

/** Milliseconds for which a session that was set aside is kept, for a person to look at: a week. */
export const SET_ASIDE_KEPT = 7 * 24 * 3600 * 1000

/** Milliseconds until the session ends; 0 or less when it has. */
export function timeLeft (span: Lifespan, limits: Lifetimes, clock: Clock, now = clock.now()): number {
  const idleLeft = (span.idleTimeout || limits.idleTimeout) * 1000 - clock.since(span.lastAccess, now)
  if (limits.absoluteTimeout === undefined) return idleLeft
  return Math.min(idleLeft, limits.absoluteTimeout * 1000 - clock.since(span.createdAt, now))
}

/**
 * How old the access time may become before it is set anew, in milliseconds: a minute, or a tenth
 * of the idle timeout if that is less.
 */
export function touchInterval (idleTimeout: number): number {
  return Math.min(60_000, idleTimeout * 100)
}

/** A wall clock that is put forward by less than this (milliseconds) is taken as it is. */
const JUMP = 5000

/**
 * The wall clock, made safe to judge ages by. When it is put forward while the process runs (a
 * machine without a battery clock that has found its time server), whatever was stamped before
 * does not grow older by that; when it is put back, a stamp from the future counts as fresh.
 */
export class Clock {
  /** What the clock was put forward over: time that never passed. */
  #skipped: Array<{ from: number, to: number }> = []
  readonly #wall: () => number
  readonly #steady: () => number
  #offset: number

  constructor (wall: () => number = Date.now, steady: () => number = () => performance.now()) {
    this.#wall = wall
    this.#steady = steady
    this.#offset = wall() - steady()
  }

  /** Milliseconds since 1970. */
  now (): number {
    const now = this.#wall()
    const offset = now - this.#steady()
    const by = offset - this.#offset
    if (by > JUMP || by < -JUMP) {
      // What lies ahead of a clock that was put back will pass after all.
      this.#skipped = this.#skipped.filter(({ from }) => from < now).map(({ from, to }) => ({ from, to: Math.min(to, now) }))
      if (by > 0) this.#skipped.push({ from: now - by, to: now })
      this.#offset = offset
    }
    return now
  }

  /** Milliseconds that have passed since a moment, never less than none. */
  since (moment: number, now = this.now()): number {
    let age = now - moment
    for (const { from, to } of this.#skipped) {
      // A stamp may lie in between: from before the clock was put back.
      age -= Math.max(to - Math.max(from, moment), 0)
    }
    return Math.max(age, 0)
  }
}
