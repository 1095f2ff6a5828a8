import { printable } from '../printable'
import type { SettledEncryption } from '../store/encryption-options'
import type { FoundSession } from '../store/session-finder'
import { indexOf, type SessionIndex } from '../store/session-index'
import { formatDuration } from './duration'
import { explainNothing } from './found-nothing'
import { onlyAppid, type Place } from './place'
import { printStyled, Progress, type Terminal } from './terminal'

export interface SessionsOfOptions {
  index: string
  /** Seconds: the app's idleTimeout. */
  idle: number
  /** Seconds: the app's absoluteTimeout. */
  absolute?: number
  appid?: string
  json?: boolean
  /** That of the app: where it has secrets, values are hashed under them. */
  encryption?: SettledEncryption
}

const HANDLE_SIZE = 43
const TIME_SIZE = 9

/** Prints each live session with this value of an index, as it is found. @throws {SessionError} when a secret is missing */
export async function sessionsOf (place: Place, value: string, options: SessionsOfOptions, terminal: Terminal): Promise<number> {
  const { index, idle, absolute, appid, json = false, encryption } = options
  const sessions = await onlyAppid(place, appid)
  let count = 0
  const begin = (): void => {
    if (json) terminal.out.write('[')
    else printStyled(terminal.out, 'bold', row('handle', ['created', 'last used', 'expires'], 'about'))
  }
  if (sessions !== null) {
    const store = place.store(sessions.appid, { idleTimeout: idle, absoluteTimeout: absolute }, encryption)
    const progress = new Progress(terminal, sessions.appid)
    try {
      for await (const found of (indexOf(store) as SessionIndex).sessionsOf(index, value)) {
        if (count === 0) begin()
        if (json) terminal.out.write(`${count === 0 ? '' : ','}\n${printable(jsonOf(found))}`)
        else progress.print(rowOf(found, Date.now()))
        progress.report(++count)
      }
    } finally {
      progress.stop()
    }
    if (count === 0) await explainNothing(sessions, { index, encryption }, terminal)
  }
  if (count === 0) begin()
  if (json) terminal.out.write('\n]\n')
  return 0
}

/** With the names and units of the API. */
function jsonOf ({ about = {}, ...session }: FoundSession): string {
  return JSON.stringify({ ...session, about })
}

function rowOf ({ handle, createdAt, lastUsed, expiresAt, about }: FoundSession, now: number): string {
  // All stores of this package know these times.
  const [made, used, left] = [now - Number(createdAt), now - Number(lastUsed), Number(expiresAt) - now].map(time => formatDuration(Math.max(time, 0)))
  return row(handle, [`${made as string} ago`, `${used as string} ago`, `in ${left as string}`], about === undefined ? '-' : JSON.stringify(about))
}

function row (handle: string, times: string[], about: string): string {
  return [handle.padEnd(HANDLE_SIZE), ...times.map(time => time.padStart(TIME_SIZE)), about].join('  ')
}
