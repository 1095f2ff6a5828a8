import { check } from '../option-checks'
import { SessionText, type SessionCodec } from '../session/codec'
import { indexOptions, type IndexOptions } from '../session/index-options'
import { Indexing } from '../session/indexing'
import { isIndexable } from '../store/features'
import type { RecordStore } from '../store/session-store'

/** The plugin's option `indexes`, for sessions that come another way than through the plugin. */
export type IndexFunctions = IndexOptions<Record<string, unknown>>['indexes']

/** Returns what enters sessions in these indexes; without indexes, what keeps them where they are. @throws {SessionError} SESSION_OPTION */
export function indexingOf (store: RecordStore, codec: SessionCodec, indexes: IndexFunctions): Indexing {
  const settled = indexOptions({ indexes })
  if (settled === null) return new Indexing(store)
  check(isIndexable(store), 'indexes', 'needs a store that can find sessions by what they hold, such as those of this package')
  return new Indexing(store, settled, new SessionText(codec))
}
