import { isOutage } from '../errors'
import type { ReapCounts } from '../store/store-abilities'
import { forEach } from './list'
import type { Place } from './place'
import { print, printError, printJson, Progress, type Terminal } from './terminal'

export interface CleanOptions {
  /** Seconds. */
  idle: number
  /** Seconds; left out: sessions may be of any age. */
  absolute?: number
  appid?: string
  dryRun?: boolean
  json?: boolean
}

/** Removes what the reaper of a running app would remove. */
export async function clean (place: Place, options: CleanOptions, terminal: Terminal): Promise<number> {
  const { idle, absolute, appid, dryRun = false, json = false } = options
  const reports: object[] = []
  const isWhole = await forEach(await place.appids(appid), 'remove expired sessions', terminal, async each => {
    const progress = new Progress(terminal, each.appid)
    const { error, ...counts } = await each.clean({ idleTimeout: idle, absoluteTimeout: absolute }, { dryRun, onProgress: progress.report })
      .finally(() => { progress.stop() })
    if (json) reports.push({ appid: each.appid, dryRun, ...counts })
    else print(terminal.out, `${each.appid}: ${sentence(counts, dryRun)}`)
    if (isOutage(error)) throw error
    if (error !== undefined) printError(terminal, `${counts.failed} failed, the first: ${error.message}`)
    return error === undefined
  })
  if (json) printJson(terminal.out, reports)
  return isWhole ? 0 : 2
}

function sentence ({ expired, seen, orphans, setAside }: ReapCounts, dryRun: boolean): string {
  return `${dryRun ? 'would remove' : 'removed'} ${expired} of ${seen} sessions, ${orphans} orphaned locks, ${setAside} set aside`
}
