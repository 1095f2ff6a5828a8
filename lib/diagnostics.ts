import { channel, type Channel } from 'node:diagnostics_channel'
import { performance } from 'node:perf_hooks'
import { SessionError } from './errors'

/**
 * Why a stored session is not served:
 * - `damaged`: its text was changed, cut off or put in the place of another. It is set aside.
 * - `plain`: it is not encrypted, and `acceptPlain` is false.
 * - `unlisted`: it is encrypted under a secret that is not in `encryption.secrets`.
 * - `unconfigured`: it is encrypted, and the option `encryption` is not given.
 * - `newer`: a newer version of this package has encrypted it.
 *
 * All but the first may be mistakes of a deployment. So these sessions stay where they are until they
 * expire: once the mistake is corrected they are served again.
 */
export type UnopenedCause = 'damaged' | 'plain' | 'unlisted' | 'unconfigured' | 'newer'

/**
 * What happens to sessions, for monitoring and security logs: subscribe to `fastify-file-sessions:` and
 * a name below with `node:diagnostics_channel`. Events hold times, counts and handles, never ids or
 * data. Without a subscriber they cost nothing.
 */
export interface DiagnosticsEvents {
  /** A cookie's session was looked up. */
  load: Event & Timed & {
    /** Whether there was a live one. */
    found: boolean
  }
  /** A session was stored. */
  commit: Event & Timed & {
    /** `create`: a new one. `replace`: at a request's end, or by `save()`. `update`: by `update()`. */
    kind: 'create' | 'replace' | 'update'
    /** How often another request was first, and it was done over. */
    conflicts: number
  }
  /** A session began: something is stored of a visitor for the first time, or after a logout. */
  created: Event & OfSession & {
    /** Whether it began with a login: the app called `authenticated()` before. */
    authenticated: boolean
  }
  /** A session has a new id. */
  renewed: Event & OfSession & {
    /** The handle that it had before. */
    from: string
    /** `regenerate`: the app called `regenerate()`. `authenticated`: it called `authenticated()`. `age`: the option `renewAfter`. */
    cause: 'regenerate' | 'authenticated' | 'age'
  }
  /** A session has ended. */
  ended: Event & OfSession & {
    /**
     * `destroyed`: by `destroy()` or `delete()`, or by a `regenerate()` that kept nothing. `revoked`: by `revoke()` or
     * `revokeAll()`. `limit`: by the option `maxPerValue`. `expired`: its time was up, and it is removed. A server that
     * removes expired sessions by itself, such as Redis, sends no event.
     */
    reason: 'destroyed' | 'revoked' | 'limit' | 'expired'
  }
  /** Another request was first: the changes are merged with its, and stored again. */
  conflict: Event
  /** Another request or process ended the session while a request worked with it, whose changes are dropped. */
  gone: Event
  /** The store could not be read, and a request was served without its session: see the option `onUnavailable`. */
  unavailable: Event & {
    /** The SessionError's, such as `SESSION_STORE`. */
    code: string
  }
  /** Expired sessions were removed. */
  reap: Event & Timed & {
    /** Sessions looked at. */
    seen: number
    /** Expired sessions, removed. */
    expired: number
    /** What crashed processes left behind, removed. */
    orphans: number
    /** Sessions that were once set aside, removed. */
    setAside: number
    /** What could not be looked at or removed. */
    failed: number
  }
  /** A stored session is not served, because it cannot be decrypted here. */
  unopened: Event & {
    reason: UnopenedCause
  }
  /** A store could not do what it was asked to, or a stored session could not be decoded. */
  error: Event & {
    operation: 'load' | 'save' | 'update' | 'destroy' | 'regenerate' | 'authenticated' | 'renew' | 'decode' | 'touch' | 'reap'
    /** The SessionError's, such as `SESSION_FILE`. */
    code: string
    /** The code of its cause, such as `ENOSPC`. */
    cause: string | undefined
  }
}

interface Event {
  /** The app of the session. */
  appid: string
}

interface OfSession {
  /** The session's handle, which is in the log, too. */
  session: string
}

interface Timed {
  /** Milliseconds. */
  duration: number
}

type ReapTotals = Omit<DiagnosticsEvents['reap'], 'appid' | 'duration'>
type Name = keyof DiagnosticsEvents

const channels: Readonly<Record<Name, Channel<unknown, unknown>>> = {
  load: channelOf('load'),
  commit: channelOf('commit'),
  created: channelOf('created'),
  renewed: channelOf('renewed'),
  ended: channelOf('ended'),
  conflict: channelOf('conflict'),
  gone: channelOf('gone'),
  unavailable: channelOf('unavailable'),
  reap: channelOf('reap'),
  unopened: channelOf('unopened'),
  error: channelOf('error')
}

/** Whether there is a subscriber: otherwise there is no event to make. */
export function isWatched (name: Name): boolean {
  return channels[name].hasSubscribers
}

/** Returns the moment that a duration counts from; 0 without a subscriber. */
export function startOf (name: Name): number {
  return channels[name].hasSubscribers ? performance.now() : 0
}

/** Returns the milliseconds since. */
export function durationSince (start: number): number {
  return performance.now() - start
}

export function publish<N extends Name> (name: N, event: DiagnosticsEvents[N]): void {
  channels[name].publish(event)
}

/** Tells of one round of the reaper, begun at `startOf('reap')`. */
export function publishReap (appid: string, start: number, counts: ReapTotals): void {
  if (start === 0) return
  const { seen, expired, orphans, setAside, failed } = counts
  publish('reap', { appid, duration: durationSince(start), seen, expired, orphans, setAside, failed })
}

/**
 * Returns the promise as it is, for a caller who may not wait for it: a rejection is published
 * beside it and counts as handled, so that it does not end the process.
 */
export function watched<T> (operation: DiagnosticsEvents['error']['operation'], appid: string, work: Promise<T>): Promise<T> {
  work.catch((error: unknown) => { publishError(operation, appid, error) })
  return work
}

/** Tells of what a store, or what it held, made fail. Errors of the app are not ours to tell. */
export function publishError (operation: DiagnosticsEvents['error']['operation'], appid: string, error: unknown): void {
  if (!isWatched('error') || !(error instanceof SessionError)) return
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
  publish('error', { appid, operation, code: error.code, cause: code })
}

function channelOf (name: Name): Channel<unknown, unknown> {
  return channel(`fastify-file-sessions:${name}`)
}
