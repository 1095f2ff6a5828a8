import { isOutage } from '../errors'
import { describeText } from './describe-text'
import { isHeaded } from '../store/session-header'
import { indexOf, type SessionIndex } from '../store/session-index'
import { departed } from '../store/moving-marks'
import { MovingSessionStore } from '../store/moving-store'
import type { PortableRecordStore, PortableSession } from '../store/store-abilities'
import { forEach, forEachSession } from './list'
import type { AppidPlace, Place } from './place'
import type { Lifetimes } from '../store/clock'
import { print, printError, printJson, type Terminal } from './terminal'
import { timeLeftOf } from './time-left'

export interface CopyOptions {
  /** Seconds: the app's idleTimeout. */
  idle: number
  /** Seconds: the app's absoluteTimeout. */
  absolute?: number
  appid?: string
  move?: boolean
  dryRun?: boolean
  json?: boolean
}

interface Counts { copied: number, present: number, expired: number, failed: number }

type Outcome = Exclude<keyof Counts, 'failed'>

/**
 * Copies live sessions with their ids, data and times. What is there already is left as it is, so that
 * a copy that was interrupted can be done again. With `move` each session leaves the old place, by the
 * steps of `MovingSessionStore`, so that the app may run meanwhile.
 */
export async function copy (from: Place, to: Place, options: CopyOptions, terminal: Terminal): Promise<number> {
  const { idle, absolute, appid, move = false, dryRun = false, json = false } = options
  const limits = { idleTimeout: idle, absoluteTimeout: absolute }
  const reports: object[] = []
  const isWhole = await forEach(await from.appids(appid), 'copy the sessions', terminal, async each => {
    const stores = { from: from.store(each.appid, limits), to: to.store(each.appid, limits) }
    if (!dryRun) await stores.to.open()
    const handle = dryRun ? trial(limits) : move ? mover(stores, limits) : copier(stores, limits)
    const counts: Counts = { copied: 0, present: 0, expired: 0, failed: 0 }
    try {
      await copyAppid(each, handle, counts, terminal)
    } finally {
      if (json) reports.push({ appid: each.appid, dryRun, move, ...counts })
      else print(terminal.out, `${each.appid}: ${sentence(counts, options)}`)
    }
    return counts.failed === 0
  })
  if (json) printJson(terminal.out, reports)
  return isWhole ? 0 : 2
}

/** Counts what becomes of each session. @throws {SessionStoreError} when a server is away: each further session would wait for it in vain */
async function copyAppid (place: AppidPlace, handle: (session: PortableSession) => Promise<Outcome>, counts: Counts, terminal: Terminal): Promise<void> {
  let first: Error | undefined
  const unreadable = await forEachSession(place, terminal, async session => {
    try {
      counts[await handle(session)]++
    } catch (error) {
      if (isOutage(error)) throw error
      counts.failed++
      first ??= error as Error
    }
  })
  if (first !== undefined) printError(terminal, `${counts.failed} failed, the first: ${first.message}`)
  counts.failed += unreadable
}

function trial (limits: Lifetimes): (session: PortableSession) => Promise<Outcome> {
  return async session => timeLeftOf(session, limits) > 0 ? 'copied' : 'expired'
}

function copier ({ from, to }: { from: PortableRecordStore, to: PortableRecordStore }, limits: Lifetimes): (session: PortableSession) => Promise<Outcome> {
  const moving = mover({ from, to }, limits)
  return async session => {
    if (timeLeftOf(session, limits) <= 0) return 'expired'
    // Only its move can tell where it is.
    if (describeText(session.text).format === 'moving') return await moving(session)
    // The other place finds the session by what this one does.
    if (isHeaded(session.text)) await (indexOf(to) as SessionIndex).welcome(session, indexOf(from) as SessionIndex)
    const { result } = await to.importSession(session)
    if (result === 'created') return 'copied'
    // It may be the reservation that a crashed process left: a session for no app but one that moves.
    return await moving(session)
  }
}

function mover (stores: { from: PortableRecordStore, to: PortableRecordStore }, limits: Lifetimes): (session: PortableSession) => Promise<Outcome> {
  const store = new MovingSessionStore(stores)
  return async session => {
    if (timeLeftOf(session, limits) <= 0) return 'expired'
    const here = await stores.to.read(session.name)
    if (here !== null && describeText(here.text).format !== 'moving') {
      await removeDeparture(stores.from, session)
      return 'present'
    }
    const moved = await store.read(session.name)
    if (moved === null) return 'expired'
    if (isHeaded(moved.text)) await (indexOf(store) as SessionIndex).fetchLists(moved.text)
    return 'copied'
  }
}

/** Removes what a process that was killed at the end of a move left in the old place: the session's data. */
async function removeDeparture (from: PortableRecordStore, { name, text }: PortableSession): Promise<void> {
  if (departed(text) === null) return
  const there = await from.read(name)
  if (there !== null && departed(there.text) !== null) await from.remove(name, there.version)
}

function sentence ({ copied, present, expired, failed }: Counts, { move = false, dryRun = false }: CopyOptions): string {
  const verb = move ? 'moved' : 'copied'
  return dryRun
    ? `would have ${verb} up to ${copied}; ${expired} expired, ${failed} failed`
    : `${copied} ${verb}, ${present} present, ${expired} expired, ${failed} failed`
}
