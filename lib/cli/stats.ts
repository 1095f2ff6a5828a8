import { setTimeout as delay } from 'node:timers/promises'
import { factsOf, forEachSession } from './list'
import type { AppidPlace, Place } from './place'
import { print, printStyled, type Terminal } from './terminal'

export interface StatsOptions {
  appid?: string
  watch?: boolean
  /** Seconds. */
  interval: number
  /** How many lines; left out: without an end. */
  lines?: number
  json?: boolean
}

/** What a look at all sessions of an appid tells. */
interface Sample {
  appid: string
  /** Milliseconds since 1970. */
  time: number
  sessions: number
  bytes: number
  /** How many were used, and made, in the last interval. */
  used: number
  made: number
  /** Fewer than there must be since the look before: ended, or expired and removed. Null in the first. */
  removed: number | null
  unreadable: number
}

const COLUMNS = ['time', 'sessions', 'bytes', 'used', 'made', 'removed']
const WIDTHS = [8, 10, 12, 8, 8, 8]

/**
 * Counts sessions, once or again and again. What happens between two looks is not seen: a session that
 * was made and ended in one interval is in no count. The events of the processes tell more.
 */
export async function stats (place: Place, options: StatsOptions, terminal: Terminal): Promise<number> {
  const { appid, watch = false, interval, json = false } = options
  const lines = watch ? options.lines ?? Infinity : 1
  const before = new Map<string, Sample>()
  let exitCode = 0
  for (let count = 0; count < lines; count++) {
    if (count > 0 && !await hasWaited(interval, terminal.signal)) break
    const appids = await place.appids(appid)
    if (count === 0 && !json) printStyled(terminal.out, 'bold', line([...COLUMNS, 'appid']))
    for (const each of appids) {
      const sample = await look(each, interval * 1000, before.get(each.appid), terminal)
      before.set(each.appid, sample)
      if (sample.unreadable > 0) exitCode = 2
      if (json) print(terminal.out, JSON.stringify(sample))
      else print(terminal.out, line(cells(sample)))
    }
  }
  return exitCode
}

async function look (place: AppidPlace, interval: number, before: Sample | undefined, terminal: Terminal): Promise<Sample> {
  const time = Date.now()
  const span = before === undefined ? interval : time - before.time
  const sample: Sample = { appid: place.appid, time, sessions: 0, bytes: 0, used: 0, made: 0, removed: null, unreadable: 0 }
  sample.unreadable = await forEachSession(place, terminal, session => {
    const { age, idle, size } = factsOf(session, time)
    sample.sessions++
    sample.bytes += size
    if (idle < span) sample.used++
    if (age < span) sample.made++
  })
  if (before !== undefined) sample.removed = Math.max(before.sessions + sample.made - sample.sessions, 0)
  return sample
}

async function hasWaited (seconds: number, signal: AbortSignal | undefined): Promise<boolean> {
  return await delay(seconds * 1000, true, signal === undefined ? {} : { signal }).catch(() => false)
}

function cells ({ appid, time, sessions, bytes, used, made, removed }: Sample): string[] {
  return [new Date(time).toTimeString().slice(0, 8), ...[sessions, bytes, used, made].map(String), removed === null ? '-' : String(removed), appid]
}

function line (cells: string[]): string {
  return cells.map((cell, column) => column < WIDTHS.length ? cell.padStart(WIDTHS[column] as number) : cell).join('  ')
}
