import { FileStore } from './file-store'
import type { SessionFileStoreOptions } from './options'

/**
 * Sessions in files, one each, under
 * `sessionDir/<appid, percent-encoded>/<2 hex digits>/<62 hex digits>`; the digits are the name of
 * the session, a hash of appid and id. Any string is safe as an id, and no name gives an id away.
 *
 * Any number of stores, in any number of processes of one machine, can work on one directory.
 *
 * @throws {SessionError} from the constructor, for an option that makes no sense.
 */
export class SessionFileStore extends FileStore {
  /** `sessionDir` is resolved here, once. */
  constructor (options: SessionFileStoreOptions = {}) {
    super(options)
  }
}
