import { readFile } from 'node:fs/promises'
import type { RecordStore } from '../store/session-store'

/** What `torture` has counted. */
export interface TortureReport {
  /** Processes that were killed, sessions that moved to a new name, sessions that were ended. */
  readonly kills: number
  readonly moves: number
  readonly ends: number
  /** Updates that the store has acknowledged, in the sessions that were alive in the end. */
  acknowledged: number
  /** How many of those were there, were missing, and were there once more. */
  found: number
  lost: number
  doubled: number
  /** Sessions that had moved or ended, and were there again. */
  resurrected: number
  /** What processes met, each once. */
  errors: string[]
}

/** A session, and the key that it keeps when it moves. */
export interface Slot { readonly key: string, readonly name: string }

/** A process that has noted what it was told. */
export interface Witness {
  readonly name: string
  /** The path of its notes. */
  readonly notes: string
  wasKilled: boolean
}

/** A line of the notes. The worker's own updates of a session are counted from 1. */
export type Note =
  | { readonly key: string, readonly acknowledged: number }
  | { readonly key: string, readonly fault: 'lost' | 'doubled' }
  | { readonly error: string }

export interface Run {
  readonly slots: readonly Slot[]
  readonly workers: readonly Witness[]
  readonly ended: ReadonlySet<string>
  readonly counts: Pick<TortureReport, 'kills' | 'moves' | 'ends'>
}

/** Compares what the processes were told with what is there. */
export async function judge (store: RecordStore, { slots, workers, ended, counts }: Run): Promise<TortureReport> {
  const report: TortureReport = { ...counts, acknowledged: 0, found: 0, lost: 0, doubled: 0, resurrected: 0, errors: [] }
  const texts = new Map<string, string>()
  for (const { key, name } of slots) texts.set(key, (await store.read(name))?.text ?? '{}')
  for (const worker of workers) {
    const told = new Map<string, number>()
    for (const note of await notesOf(worker)) {
      if ('error' in note) report.errors.push(note.error)
      else if ('fault' in note) report[note.fault]++
      else told.set(note.key, note.acknowledged)
    }
    for (const [key, text] of texts) compare(report, told.get(key) ?? 0, (JSON.parse(text) as Record<string, number>)[worker.name] ?? 0, worker.wasKilled)
  }
  for (const name of ended) if (await store.read(name) !== null) report.resurrected++
  if (report.acknowledged === 0) report.errors.push('not one update was acknowledged')
  report.errors = [...new Set(report.errors)]
  return report
}

/** One more may have been stored when the process was killed. */
function compare (report: TortureReport, acknowledged: number, found: number, wasKilled: boolean): void {
  report.acknowledged += acknowledged
  report.found += Math.min(found, acknowledged)
  report.lost += Math.max(acknowledged - found, 0)
  report.doubled += Math.max(found - acknowledged - Number(wasKilled), 0)
}

/** The last line of a process that was killed may be cut short: then it was not acknowledged. */
async function notesOf ({ notes }: Witness): Promise<Note[]> {
  const text = await readFile(notes, 'utf8')
  return text.split('\n').filter(line => line.endsWith('}')).map(line => JSON.parse(line) as Note)
}
