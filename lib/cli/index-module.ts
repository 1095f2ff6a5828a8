import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { JSON_CODEC, checkCodec, type SessionCodec } from '../session/codec'
import { indexOptions, type IndexOptions } from '../session/index-options'
import type { SettledIndexes } from '../session/indexing'
import { UsageError } from './usage'

/** What a module tells of an app. */
export interface IndexModule {
  readonly indexes: SettledIndexes['indexes']
  readonly codec: SessionCodec
}

/** Returns what the module at this path exports: the app's `indexes`, and its `codec` if it has one. @throws {UsageError} for a module that cannot be used */
export async function indexesIn (path: string): Promise<IndexModule> {
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
