import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { JSON_CODEC, checkCodec, type SessionCodec } from '../session/codec'
import { indexOptions, type IndexOptions } from '../session/index-options'
import type { SettledIndexes } from '../session/indexing'
import { Reindexing, type Reindexed } from '../session/reindexing'
import type { SettledEncryption } from '../store/encryption-options'
import { describeText } from './describe-text'
import { forEach, forEachSession } from './list'
import type { Place } from './place'
import { print, printError, printJson, type Terminal } from './terminal'
import { UsageError } from './usage'

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

/** `moving`: on their way between two stores. */
type Counts = Record<Reindexed | 'moving' | 'failed', number>

/** Enters existing sessions in the app's indexes. May run beside the app, and again. @throws {UsageError} for a module that cannot be used */
export async function reindex (place: Place, { module, idle, absolute, appid, json = false, encryption }: ReindexOptions, terminal: Terminal): Promise<number> {
  const { indexes, codec } = await indexesIn(module)
  const reports: object[] = []
  const isWhole = await forEach(await place.appids(appid), terminal, async each => {
    const store = place.store(each.appid, { idleTimeout: idle, absoluteTimeout: absolute }, encryption)
    const reindexing = new Reindexing(store, indexes, codec)
    const counts: Counts = { entered: 0, right: 0, encrypted: 0, gone: 0, moving: 0, failed: 0 }
    let first: Error | undefined
    const unreadable = await forEachSession(each, terminal, async ({ name, text }) => {
      try {
        counts[describeText(text).format === 'moving' ? 'moving' : await reindexing.enter(name)]++
      } catch (error) {
        counts.failed++
        first ??= error as Error
      }
    })
    if (first !== undefined) printError(terminal, `${each.appid}: ${counts.failed} failed, the first: ${first.message}`)
    counts.failed += unreadable
    if (json) reports.push({ appid: each.appid, ...counts })
    else print(terminal.out, sentence(each.appid, counts))
    return counts.failed === 0
  })
  if (json) printJson(terminal.out, reports)
  return isWhole ? 0 : 2
}

async function indexesIn (path: string): Promise<{ indexes: SettledIndexes['indexes'], codec: SessionCodec }> {
  try {
    const exported = await import(pathToFileURL(resolve(path)).href) as IndexOptions<Record<string, unknown>> & { codec?: SessionCodec }
    const { indexes, codec = JSON_CODEC } = exported
    checkCodec(codec)
    const settled = indexOptions({ indexes })
    if (settled !== null) return { indexes: settled.indexes, codec }
  } catch (error) {
    throw new UsageError(`the module ${path} cannot be used: ${(error as Error).message}`)
  }
  throw new UsageError(`the module ${path} must export indexes, as the app's option has them: export const indexes = { user: data => data.user?.id }`)
}

function sentence (appid: string, { entered, right, encrypted, gone, moving, failed }: Counts): string {
  const others = [[encrypted, 'encrypted, which enter when they are saved'], [moving, 'on their way between two stores']].filter(([count]) => count !== 0)
  return `${appid}: ${entered} entered, ${right} right already, ${gone} gone, ${failed} failed${others.map(([count, what]) => `; ${count} ${what}`).join('')}`
}
