import { Clock } from '../store/clock'
import { localDisk } from '../store/files/local-disk'
import { sweep } from '../store/files/sweep'
import { forEachAppid, selectAppids } from './appids'
import { print, Progress, type Terminal } from './terminal'

export interface CleanOptions {
  /** Seconds. */
  idle: number
  /** Seconds; left out: sessions may be of any age. */
  absolute?: number
  appid?: string
  dryRun?: boolean
}

/** Removes what the reaper of a running app would remove. */
export async function clean (sessionDir: string, options: CleanOptions, terminal: Terminal): Promise<number> {
  const { idle, absolute, appid: onlyAppid, dryRun = false } = options
  let hasFailed = false
  const exitCode = await forEachAppid(await selectAppids(sessionDir, onlyAppid), terminal, async ({ appid, directory }) => {
    const progress = new Progress(terminal, appid)
    const counts = await sweep({
      directory,
      limits: { idleTimeout: idle, absoluteTimeout: absolute },
      clock: new Clock(),
      disk: localDisk,
      dryRun,
      onProgress: progress.report
    }).finally(() => { progress.stop() })
    print(terminal.out, `${appid}: ${dryRun ? 'would remove' : 'removed'} ${counts.expired} of ${counts.seen} sessions, ` +
      `${counts.orphans} orphaned locks, ${counts.setAside} set aside`)
    if (counts.error === undefined) return
    print(terminal.err, `file-sessions: ${counts.failed} failed, the first: ${counts.error.message}`)
    hasFailed = true
  })
  return hasFailed ? 2 : exitCode
}
