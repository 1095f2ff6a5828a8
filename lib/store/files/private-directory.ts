import { basename, dirname, resolve } from 'node:path'
import { fileError, hasCode, SessionFileError, systemError } from '../../errors'
import { printable } from '../../printable'
import { syncAncestors, syncEntry } from './entry-sync'
import { shardPath } from './file-names'
import { fileSystemOf, privateMountOptions } from './file-system'
import { isDirectory, isFile, isLink, unlessMissing, type DiskNow, type FileStatus } from './disk'
import { localDisk } from './local-disk'
import { isOwnDirectory } from './private-file'

/** For this long (milliseconds) a directory that was found private counts as private. */
const TRUSTED = 1000
/** Milliseconds for which the kernel surely keeps in memory what a directory is. */
const WARM = 10_000
const GROUP = 0o070
const OTHERS = 0o007
const SHARDS = 256

/**
 * The directory of one appid, guarded: it, the session directory above it and the shards in it must
 * be directories of this process's user, with no access for group or others. Only the session
 * directory itself may be a link, if the directory that it leads to is private.
 *
 * A directory that is made open later is noticed within a second, at the cost of one `lstat` a
 * second for each directory in use. A directory that is not there is not an error: it holds nothing.
 */
export class PrivateDirectory {
  readonly #sessionDir: Level
  readonly #directory: Level
  /** By the number that the first two digits of a session's name stand for. */
  readonly #shards: Array<Level | undefined> = new Array<undefined>(SHARDS).fill(undefined)

  /**
   * `path` is the absolute path of the appid's directory. With `durable` the entry of each directory
   * is synced once by this process, whichever process made it. By `disk` directories that were found
   * private moments ago are looked at without a promise.
   */
  constructor (readonly path: string, readonly durable = false, readonly disk?: DiskNow) {
    this.#sessionDir = new Level(dirname(path), true, durable)
    this.#directory = new Level(path, false, durable)
  }

  /** Makes the session directory and the appid's directory (0700) where they are missing. @throws {SessionFileError} that says what to do */
  async make (): Promise<void> {
    await this.#sessionDir.make()
    await this.#directory.make()
  }

  /** Makes the shard for the session with this name, and what is missing above it. @throws {SessionFileError} that says what to do */
  async makeShard (name: string): Promise<void> {
    await this.make()
    await this.#shard(name).make()
  }

  /**
   * Whether the directories of the session with this name were found private within the last second,
   * or are found so at once. If not, the caller has to wait for `check`.
   */
  checkNow (name: string, now = performance.now()): boolean {
    const { disk } = this
    return this.#shards[shardNumber(name)]?.checkNow(now, disk) === true &&
      this.#directory.checkNow(now, disk) && this.#sessionDir.checkNow(now, disk)
  }

  /** Checks those directories that were not found private within the last second. @throws {SessionFileError} that says what to do */
  async check (name: string): Promise<void> {
    const since = performance.now() - TRUSTED
    for (const level of [this.#sessionDir, this.#directory, this.#shard(name)]) await level.check(since)
  }

  /** Checks the session directory and the appid's directory anew, whenever they were found private. @throws {SessionFileError} */
  async checkAgain (): Promise<void> {
    await this.#sessionDir.look()
    await this.#directory.look()
  }

  /** The same, with the shard at this path, which is in the directory. @throws {SessionFileError} */
  async checkShardAgain (path: string): Promise<void> {
    await this.checkAgain()
    await this.#shard(basename(path)).look()
  }

  #shard (name: string): Level {
    const number = shardNumber(name)
    const shard = this.#shards[number] ?? new Level(shardPath(this.path, name), false, this.durable)
    this.#shards[number] = shard
    return shard
  }
}

/** One directory of those that lie above a session. */
class Level {
  #foundAt = -Infinity
  #looking: Promise<void> | undefined

  constructor (readonly path: string, readonly mayBeLink: boolean, readonly durable: boolean) {}

  isTrusted (since: number): boolean {
    return this.#foundAt > since
  }

  /** Only `check` syncs, follows a link and says what is wrong. */
  checkNow (now: number, disk: DiskNow | undefined): boolean {
    if (this.isTrusted(now - TRUSTED)) return true
    if (this.durable || this.#foundAt < now - WARM || disk?.isReadyToRead(now) !== true) return false
    const status = disk.lstat(this.path)
    if (status === undefined || !isOwnDirectory(status) || (status.mode & (GROUP | OTHERS)) !== 0) return false
    this.#foundAt = now
    return true
  }

  async check (since: number): Promise<void> {
    if (this.isTrusted(since)) return
    this.#looking ??= this.look().finally(() => { this.#looking = undefined })
    await this.#looking
  }

  async look (): Promise<void> {
    const now = performance.now()
    try {
      const isThere = await checkPrivateDirectory(this.path, this.mayBeLink, this.durable)
      // Another process may make it at any time.
      this.#foundAt = isThere ? now : -Infinity
    } catch (error) {
      this.#foundAt = -Infinity
      throw error
    }
  }

  async make (): Promise<void> {
    const now = performance.now()
    await makePrivateDirectory(this.path, this.durable, this.mayBeLink)
    this.#foundAt = now
  }
}

/**
 * Makes a directory, and those above it, for this user alone (0700). One that is there already must
 * be private: see {@link PrivateDirectory}.
 *
 * @throws {SessionFileError} that says what to do.
 */
export async function makePrivateDirectory (path: string, durable: boolean, mayBeLink = false): Promise<void> {
  // Without `..`: what a path only passes through is not made.
  const directory = resolve(path)
  let isNew: boolean
  try {
    isNew = await makeDirectories(directory, mayBeLink)
  } catch (error) {
    throw fileError('make or use the session directory', path, error)
  }
  await checkPrivateDirectory(directory, mayBeLink, durable, isNew)
  try {
    await localDisk.access(directory)
    if (durable) await syncAncestors(directory)
  } catch (error) {
    throw fileError('make or use the session directory', path, error)
  }
}

/** One step after the other, for a recursive `mkdir` hides that the disk is full. Returns whether it made the directory. */
async function makeDirectories (path: string, mayBeLink: boolean): Promise<boolean> {
  try {
    return await makeOne(path, mayBeLink)
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(path) === path) throw error
  }
  await makeDirectories(dirname(path), true)
  return await makeOne(path, mayBeLink)
}

/** Returns false when there is something that may be a directory. */
async function makeOne (path: string, mayBeLink: boolean): Promise<boolean> {
  try {
    await localDisk.mkdir(path, 0o700)
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST', 'EISDIR')) throw error
    const status = await unlessMissing(mayBeLink ? localDisk.stat(path) : localDisk.lstat(path))
    if (status !== null && isFile(status)) throw error
    // What `stat` does not find and `lstat` does is a link that leads nowhere.
    if (status === null && mayBeLink && await unlessMissing(localDisk.lstat(path)) !== null) {
      throw systemError('ENOENT', 'a symbolic link that leads nowhere', 'stat')
    }
    return false
  }
}

/**
 * Returns whether the directory is there; if it is, it is private. `isNew`: this process has just made it.
 *
 * @throws {SessionFileError} that says what to do
 */
export async function checkPrivateDirectory (path: string, mayBeLink: boolean, durable = false, isNew = false): Promise<boolean> {
  let status: FileStatus | null
  try {
    status = await unlessMissing(mayBeLink ? localDisk.stat(path) : localDisk.lstat(path))
    if (status === null) return false
    if (isLink(status)) throw systemError('ELOOP', 'a symbolic link', 'lstat')
    if (!isDirectory(status)) throw systemError('ENOTDIR', 'not a directory', 'lstat')
  } catch (error) {
    throw fileError('use the session directory', path, error)
  }
  const uid = process.geteuid?.()
  // Windows has neither users nor modes in this sense.
  if (uid === undefined) return true
  const complaint = complaintOf(status, uid, printable(path), mayBeLink)
  if (complaint !== null) {
    const { what, advice } = complaint
    throw new SessionFileError(`${what}: ${await mountAdvice(path, uid, isNew) ?? advice}`)
  }
  if (durable) await syncEntry(path, status).catch(error => { throw fileError('sync the session directory', dirname(path), error) })
  return true
}

/** `isOutermost`: it is the session directory itself, which others than the plugin may have made. */
function complaintOf (
  { mode, uid: owner }: FileStatus, uid: number, path: string, isOutermost: boolean
): { what: string, advice: string } | null {
  // Not of `/` or of a project's directory.
  const condition = 'if it is for sessions alone'
  const origin = 'the sessions in it stay. If git or an image brought it, remove it and list it in .gitignore and .dockerignore: ' +
    'the app makes it by itself'
  const advice = `run chmod 700 ${path}, ${condition}${isOutermost ? `; ${origin}` : ''}`
  if (owner !== uid) {
    return {
      what: `the session directory ${path} belongs to another user (uid ${owner}; this process is uid ${uid})`,
      advice: `run the app as its owner, or run chown -R ${uid} ${path}, ${condition}`
    }
  }
  if ((mode & OTHERS) !== 0) return { what: `others may use the session directory ${path}`, advice }
  if ((mode & GROUP) !== 0) return { what: `its group may use the session directory ${path}`, advice }
  return null
}

/** Returns what to do where files have no owners and modes of their own, so that chmod would not help. */
async function mountAdvice (path: string, uid: number, isNew: boolean): Promise<string | null> {
  const fileSystem = await fileSystemOf(path).catch(() => ({ name: 'unknown' }))
  const options = privateMountOptions(fileSystem, uid)
  if (options === null && !isNew) return null
  return `the file system there (${fileSystem.name}) keeps no modes; mount it with the options ${options ?? `uid=${uid},umask=077`}`
}

/** The number that the first two hexadecimal digits of a session's name stand for. */
function shardNumber (name: string): number {
  const digit = (code: number): number => code < 58 ? code - 48 : code - 87
  return digit(name.charCodeAt(0)) * 16 + digit(name.charCodeAt(1))
}
