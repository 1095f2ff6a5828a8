import { printable } from '../printable'
import { Clock } from '../store/clock'
import { localDisk } from '../store/files/local-disk'
import { SessionAges } from '../store/files/session-age'
import { storedSessions } from '../store/files/session-listing'
import { forEachAppid, selectAppids } from './appids'
import { formatDuration } from './duration'
import { print, printText, Progress, type Terminal } from './terminal'

/** The ages are in milliseconds, the sizes in bytes of text. */
interface AppidSummary {
  appid: string
  sessions: number
  age: Range
  idle: Range
  size: Range & { total: number }
}

interface Range { least: number, mean: number, most: number }

const ANY_AGE = { idleTimeout: Number.MAX_SAFE_INTEGER, absoluteTimeout: undefined }
const HEADINGS = ['appid', 'sessions', 'age: least', 'mean', 'most', 'idle: least', 'mean', 'most',
  'bytes: least', 'mean', 'most', 'total']

/** Says what is stored, with the expired sessions that no sweep has removed yet. Names no session. */
export async function list (sessionDir: string, { json = false }: { json?: boolean }, terminal: Terminal): Promise<number> {
  const summaries: AppidSummary[] = []
  const exitCode = await forEachAppid(await selectAppids(sessionDir, undefined), terminal, async ({ appid, directory }) => {
    summaries.push(await summarize(appid, directory, terminal))
  })
  if (json) printText(terminal.out, JSON.stringify(summaries, null, 2))
  else printTable(summaries, terminal)
  return exitCode
}

async function summarize (appid: string, directory: string, terminal: Terminal): Promise<AppidSummary> {
  const age = new Tally()
  const idle = new Tally()
  const size = new Tally()
  const ages = new SessionAges(ANY_AGE, new Clock())
  const progress = new Progress(terminal, appid)
  try {
    for await (const view of storedSessions(directory, localDisk, { onProgress: progress.report })) {
      const info = ages.info(view)
      age.add(info.age)
      idle.add(info.idle)
      size.add(info.size)
    }
  } finally {
    progress.stop()
  }
  return { appid, sessions: age.count, age: age.range(), idle: idle.range(), size: { ...size.range(), total: size.total } }
}

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
    if (this.count === 0) return { least: 0, mean: 0, most: 0 }
    return { least: Math.round(this.#least), mean: Math.round(this.total / this.count), most: Math.round(this.#most) }
  }
}

function printTable (summaries: AppidSummary[], terminal: Terminal): void {
  const rows = summaries.map(({ appid, sessions, age, idle, size }) => [
    printable(appid),
    String(sessions),
    ...times(age),
    ...times(idle),
    ...[size.least, size.mean, size.most, size.total].map(String)
  ])
  const table = [HEADINGS, ...rows]
  const widths = HEADINGS.map((_, column) => Math.max(...table.map(row => (row[column] as string).length)))
  for (const row of table) {
    const cells = row.map((cell, column) => column === 0
      ? cell.padEnd(widths[column] as number)
      : cell.padStart(widths[column] as number))
    print(terminal.out, cells.join('  '))
  }
}

function times ({ least, mean, most }: Range): string[] {
  return [least, mean, most].map(formatDuration)
}
