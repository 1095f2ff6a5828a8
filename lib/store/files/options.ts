import { check, checkKnown } from '../../option-checks'
import { RECORD_STORE_OPTIONS, recordStoreOptions, type RecordStoreOptions, type SettledRecordStoreOptions } from '../record-options'
import { platform as thisPlatform } from './platform'

/** What `new SessionFileStore()` takes. All times are in seconds. */
export interface SessionFileStoreOptions extends RecordStoreOptions {
  /** Where the sessions are kept; made (0700) if missing. A relative path counts from the working directory at the start. @default './sessions' */
  sessionDir?: string | undefined
  /**
   * `'os'`: a save survives a crash of the process; after a power loss the last seconds may be
   * missing. `'fsync'`: a save is on the disk before the response is sent; not on Windows. @default 'os'
   */
  durability?: 'os' | 'fsync' | undefined
  /**
   * Starts also on a file system that cannot keep the promises of this package, such as NFS, with a
   * warning in place of the error. @default false
   */
  allowUnsafeDirectory?: boolean | undefined
}

export interface SettledFileStoreOptions extends SettledRecordStoreOptions {
  /** Absolute: what the process does with its working directory later makes no difference. */
  sessionDir: string
  durability: 'os' | 'fsync'
  allowUnsafeDirectory: boolean
}

export const FILE_STORE_OPTIONS = [...RECORD_STORE_OPTIONS, 'sessionDir', 'durability', 'allowUnsafeDirectory']

/** Checks the file store's options and fills in the defaults. @throws {SessionError} */
export function fileStoreOptions (options: SessionFileStoreOptions, platform = thisPlatform): SettledFileStoreOptions {
  checkKnown(options, FILE_STORE_OPTIONS)
  const { sessionDir = './sessions', durability = 'os', allowUnsafeDirectory = false } = options
  const settled = recordStoreOptions(options)
  check(typeof sessionDir === 'string' && sessionDir !== '' && !sessionDir.includes('\0'), 'sessionDir',
    'must be the path of a directory')
  check(durability === 'os' || durability === 'fsync', 'durability', "must be 'os' or 'fsync'")
  check(durability === 'os' || platform.syncsDirectories, 'durability',
    "must be 'os' on Windows, which cannot make the entries of a directory survive a power loss")
  check(typeof allowUnsafeDirectory === 'boolean', 'allowUnsafeDirectory', 'must be true or false')
  return { ...settled, sessionDir: platform.resolve(sessionDir), durability, allowUnsafeDirectory }
}
