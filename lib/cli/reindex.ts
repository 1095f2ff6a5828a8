import { Reindexing, type ReindexCounts } from '../session/reindexing'
import type { SettledEncryption } from '../store/encryption-options'
import { indexesIn } from './index-module'
import { forEach, forEachSession } from './list'
import type { Place } from './place'
import { print, printError, printJson, type Terminal } from './terminal'

export interface ReindexOptions {
  /** The path of a module that exports `indexes`, and `codec` if the app has one. */
  module: string
  /** Seconds: the app's idleTimeout. */
  idle: number
  /** Seconds: the app's absoluteTimeout. */
  absolute?: number
  appid?: string
  json?: boolean
  /** That of the app: where it has secrets, values are hashed under them. */
  encryption?: SettledEncryption
}

/** Enters existing sessions in the app's indexes. May run beside the app, and again. @throws {UsageError} for a module that cannot be used */
export async function reindex (place: Place, { module, idle, absolute, appid, json = false, encryption }: ReindexOptions, terminal: Terminal): Promise<number> {
  const { indexes, codec } = await indexesIn(module)
  const reports: object[] = []
  const isWhole = await forEach(await place.appids(appid), 'reindex the sessions', terminal, async each => {
    const store = place.store(each.appid, { idleTimeout: idle, absoluteTimeout: absolute }, encryption)
    let unreadable = 0
    const { error, ...counts } = await new Reindexing(store, indexes, codec).run(async work => {
      unreadable = await forEachSession(each, terminal, work)
      return unreadable === 0
    })
    if (error !== undefined) printError(terminal, `${each.appid}: ${counts.failed} failed, the first: ${error.message}`)
    counts.failed += unreadable
    if (json) reports.push({ appid: each.appid, ...counts })
    else print(terminal.out, sentence(each.appid, counts))
    return counts.failed === 0
  })
  if (json) printJson(terminal.out, reports)
  return isWhole ? 0 : 2
}

function sentence (appid: string, { entered, right, encrypted, gone, moving, failed }: Omit<ReindexCounts, 'error'>): string {
  const others = [[encrypted, 'encrypted, which enter when they are saved'], [moving, 'on their way between two stores']].filter(([count]) => count !== 0)
  return `${appid}: ${entered} entered, ${right} right already, ${gone} gone, ${failed} failed${others.map(([count, what]) => `; ${count} ${what}`).join('')}`
}
