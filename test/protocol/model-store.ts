import '../support/small-caches'
import { Clock } from '../../lib/store/clock'
import { FileStore } from '../../lib/store/files/file-store'
import { LIMITS as STORE_LIMITS } from '../../lib/store/files/seen-file'
import { nameOf, SESSION_DIR } from './model-paths'
import { NOW, type ModelDisk } from './process'
import { LIMITS } from './scenario'

Object.assign(STORE_LIMITS, LIMITS)

/** Seconds; a session that was made in 1970 has expired. */
const ABSOLUTE_TIMEOUT = NOW / 2000

export type StoreMaker = (disk: ModelDisk, process: string) => FileStore

/**
 * The real file store of one virtual process. The session with the id `s` is at `/s`; the ids that
 * the store makes begin with `t` and the name of the process: no other process knows them.
 */
export class ModelStore extends FileStore {
  constructor (disk: ModelDisk, process: string) {
    let made = 0
    const idGenerator = (): string => `t${process}${made++}`
    const clock = new Clock(() => NOW, () => NOW)
    super({ sessionDir: SESSION_DIR, absoluteTimeout: ABSOLUTE_TIMEOUT, idGenerator }, disk, clock)
  }

  override nameOf (sesid: string): string {
    return nameOf(sesid)
  }
}

export const realStore: StoreMaker = (disk, process) => new ModelStore(disk, process)
