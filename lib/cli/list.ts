import { asSessionError, isOutage } from '../errors'
import { printable } from '../printable'
import type { SettledEncryption } from '../store/encryption-options'
import { sessionHandle } from '../store/session-id'
import type { PortableSession } from '../store/store-abilities'
import { describeText } from './describe-text'
import { formatDuration } from './duration'
import { encryptedHow, EncryptedCounts, type EncryptedCount } from './encrypted-counts'
import type { AppidPlace, Place } from './place'
import { messageOf } from './server-trouble'
import { print, printError, printJson, printStyled, printTable, Progress, type Terminal } from './terminal'

export interface ListOptions {
  appid?: string
  /** Each session by itself. */
  sessions?: boolean
  json?: boolean
  /** With it secrets are told by their number too. */
  encryption?: SettledEncryption
}

interface Range { min: number, avg: number, max: number }

/** The ages are in milliseconds, the sizes in bytes of text. */
interface AppidSummary {
  appid: string
  sessions: number
  age: Range
  idle: Range
  size: Range & { total: number }
  /** How many are of each format. */
  formats: Record<string, number>
  /** Those that are encrypted, also of those that move. */
  encrypted: EncryptedCount[]
  unreadable: number
}

const HEADINGS = ['appid', 'sessions', 'age min', 'avg', 'max', 'idle min', 'avg', 'max', 'bytes min', 'avg', 'max', 'total']

/** Says what is stored, with the expired sessions that no sweep has removed yet. Names no session. */
export async function list (place: Place, options: ListOptions, terminal: Terminal): Promise<number> {
  const { appid, sessions = false, json = false, encryption } = options
  const appids = await place.appids(appid)
  return sessions ? await listSessions(appids, json, terminal) : await listAppids(appids, { json, encryption }, terminal)
}

async function listAppids (appids: AppidPlace[], { json, encryption }: { json: boolean, encryption: SettledEncryption | undefined }, terminal: Terminal): Promise<number> {
  const summaries: AppidSummary[] = []
  const isWhole = await forEach(appids, 'list the sessions', terminal, async each => {
    const summary = await summarize(each, encryption, terminal)
    summaries.push(summary)
    return summary.unreadable === 0
  })
  if (json) printJson(terminal.out, summaries)
  else {
    printTable(terminal.out, [HEADINGS, ...summaries.map(rowOf)])
    for (const { appid, formats: { plain = 0, ...others }, encrypted } of summaries) {
      const counts = Object.entries(others).map(([format, count]) => `${count} ${format}`)
      if (counts.length > 0) print(terminal.out, `${appid}: ${plain} plain, ${counts.join(', ')}`)
      for (const count of encrypted) print(terminal.out, `${appid}: ${count.sessions} ${encryptedHow(count)}`)
    }
  }
  return isWhole ? 0 : 2
}

async function summarize (place: AppidPlace, encryption: SettledEncryption | undefined, terminal: Terminal): Promise<AppidSummary> {
  const [age, idle, size] = [new Tally(), new Tally(), new Tally()]
  const formats: Record<string, number> = {}
  const encrypted = new EncryptedCounts(place.appid, encryption)
  const unreadable = await forEachSession(place, terminal, session => {
    const { format, sealed } = describeText(session.text)
    formats[format] = (formats[format] ?? 0) + 1
    if (sealed !== null) encrypted.add(sealed)
    const facts = factsOf(session)
    age.add(facts.age)
    idle.add(facts.idle)
    size.add(facts.size)
  })
  return {
    appid: place.appid,
    sessions: age.count,
    age: age.range(),
    idle: idle.range(),
    size: { ...size.range(), total: size.total },
    formats,
    encrypted: encrypted.list(),
    unreadable
  }
}

function rowOf ({ appid, sessions, age, idle, size }: AppidSummary): string[] {
  return [appid, String(sessions), ...times(age), ...times(idle), ...[size.min, size.avg, size.max, size.total].map(String)]
}

function times ({ min, avg, max }: Range): string[] {
  return [min, avg, max].map(formatDuration)
}

/** Prints each session as it is read: there may be a million. */
async function listSessions (appids: AppidPlace[], json: boolean, terminal: Terminal): Promise<number> {
  let count = 0
  if (json) terminal.out.write('[')
  else printStyled(terminal.out, 'bold', `${'handle'.padEnd(16)}  ${'age'.padStart(8)}  ${'idle'.padStart(8)}  ${'bytes'.padStart(9)}  appid`)
  const isWhole = await forEach(appids, 'list the sessions', terminal, async each => {
    const unreadable = await forEachSession(each, terminal, (session, progress) => {
      const { age, idle, size } = factsOf(session)
      const handle = sessionHandle(session.name)
      if (json) {
        const line = JSON.stringify({ appid: each.appid, handle, age: Math.round(age), idle: Math.round(idle), size, format: describeText(session.text).format })
        terminal.out.write(`${count++ === 0 ? '' : ','}\n${printable(line)}`)
      } else {
        progress.print(`${handle}  ${formatDuration(age).padStart(8)}  ${formatDuration(idle).padStart(8)}  ${String(size).padStart(9)}  ${each.appid}`)
      }
    })
    return unreadable === 0
  })
  if (json) terminal.out.write('\n]\n')
  return isWhole ? 0 : 2
}

/** What can be said of a session: milliseconds, and bytes of text. */
export function factsOf ({ createdAt, lastAccess, text }: PortableSession, now = Date.now()): { age: number, idle: number, size: number } {
  return { age: Math.max(now - createdAt, 0), idle: Math.max(now - lastAccess, 0), size: Buffer.byteLength(text) }
}

/** Does the work for each session of an appid. What cannot be read is counted, and the first reason printed. @throws {SessionStoreError} for an outage */
export async function forEachSession (
  place: AppidPlace, terminal: Terminal, work: (session: PortableSession, progress: Progress) => unknown
): Promise<number> {
  const progress = new Progress(terminal, place.appid)
  let unreadable = 0
  let first = ''
  try {
    for await (const session of place.sessions(progress.report)) {
      if (session.name !== undefined) await work(session, progress)
      else if (++unreadable === 1) first = session.error.message
    }
  } finally {
    progress.stop()
  }
  if (unreadable > 0) printError(terminal, `${place.appid}: ${unreadable} could not be read, the first: ${first}`)
  return unreadable
}

/**
 * Does the work for each appid. Trouble with one is printed, and the others are done all the same, as long
 * as the server is there. `doing` says what the work is, such as `list the sessions`. Returns whether all went well.
 */
export async function forEach (appids: AppidPlace[], doing: string, terminal: Terminal, work: (each: AppidPlace) => Promise<boolean>): Promise<boolean> {
  let isWhole = true
  for (const each of appids) {
    try {
      isWhole = await work(each) && isWhole
    } catch (error) {
      if (isOutage(error)) {
        printError(terminal, `stopped; to go on, run the command again when the server is back: ${messageOf(error)}`)
        return false
      }
      printError(terminal, asSessionError(doing, each.title, error).message)
      isWhole = false
    }
  }
  return isWhole
}

/** Numbers, and what is said of them. */
class Tally {
  count = 0
  total = 0
  #least = Infinity
  #most = 0

  add (value: number): void {
    this.count++
    this.total += value
    this.#least = Math.min(this.#least, value)
    this.#most = Math.max(this.#most, value)
  }

  range (): Range {
    if (this.count === 0) return { min: 0, avg: 0, max: 0 }
    return { min: Math.round(this.#least), avg: Math.round(this.total / this.count), max: Math.round(this.#most) }
  }
}
