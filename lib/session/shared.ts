import type { KeyedQueue } from '../keyed-queue'
import type { RecordStore } from '../store/session-store'
import type { SessionText } from './codec'
import type { Committer } from './commit'
import type { RenewalTimes } from './renewal-times'
import type { Unserved } from './unserved'
import type { UpdateQueue } from './update-queue'

/** What the requests of one app share. */
export interface Shared {
  readonly store: RecordStore
  readonly appid: string
  readonly text: SessionText
  readonly unserved: Unserved
  readonly committer: Committer
  /** By visit: an app need not wait for a `save()` before it calls the next method. */
  readonly steps: KeyedQueue
  readonly updates: UpdateQueue
  /** Whether a cookie with `maxAge` is sent again when its session was touched. */
  readonly rolling: boolean
  /** When ids are renewed by themselves; null: never. */
  readonly renewal: RenewalTimes | null
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Whether the last touch failed: one line of the log says so, until one succeeds again. */
  touchFails: boolean
}
