import { asSessionError } from '../errors'
import { Clock, type Lifetimes } from '../store/clock'
import type { SettledEncryption } from '../store/encryption-options'
import { unlessMissing } from '../store/files/disk'
import { walkDirectory, type DirectoryEntry } from '../store/files/directory-walk'
import { longestFile } from '../store/files/file-reading'
import { sessionNameOf, sessionPath } from '../store/files/file-names'
import { localDisk } from '../store/files/local-disk'
import { isOurs } from '../store/files/ours'
import { portableSession } from '../store/files/portable'
import { PrivateDirectory } from '../store/files/private-directory'
import { ENCRYPTED_LIMITS, LIMITS, type FileLimits } from '../store/files/seen-file'
import { holdsSession } from '../store/files/session-age'
import { SessionFile } from '../store/files/session-file'
import { SessionFileStore } from '../store/files/session-file-store'
import { sweep } from '../store/files/sweep'
import { isForwarding } from '../store/forwarding'
import { storedSize } from '../store/sealed-text'
import type { PortableRecordStore, PortableSession, ReapCounts } from '../store/store-abilities'
import { directoryFindings } from './directory-findings'
import type { AppidPlace, Finding, OnProgress, Place, PlaceOptions, Unreadable, Verified } from './place'
import { appidDirectory, selectAppids } from './session-directory'

/** An append takes microseconds: what is not whole after so long (ms) is torn. */
const IN_FLIGHT = 100

/** A session directory. */
export class DirectoryPlace implements Place {
  readonly title: string
  readonly #limits: FileLimits
  readonly #maxSize: number

  constructor (sessionDir: string, { maxSize }: PlaceOptions) {
    this.title = sessionDir
    this.#maxSize = maxSize
    this.#limits = { ...LIMITS, longest: longestFile(storedSize(maxSize, true), ENCRYPTED_LIMITS) }
  }

  async * findings (limits: Lifetimes): AsyncGenerator<Finding> {
    yield * directoryFindings(this.title, await this.appids(), limits)
  }

  async appids (appid?: string): Promise<DirectoryAppid[]> {
    const appids = appid === undefined
      ? (await selectAppids(this.title)).appids
      : [{ appid, directory: await appidDirectory(this.title, appid) }]
    return appids.map(({ appid, directory }) => new DirectoryAppid(appid, directory, this.#limits))
  }

  async foreign (appid?: string): Promise<string[]> {
    return appid === undefined ? (await selectAppids(this.title)).foreign : []
  }

  store (appid: string, limits: Lifetimes, encryption: SettledEncryption | true = true): PortableRecordStore {
    // For texts as they are stored, which are longer when they are encrypted.
    return new SessionFileStore({ appid, sessionDir: this.title, maxSize: this.#maxSize, encryption, ...limits })
  }

  async close (): Promise<void> {}
}

/** The directory of one appid. */
export class DirectoryAppid implements AppidPlace {
  readonly appid: string
  readonly title: string
  readonly directory: string
  readonly #limits: FileLimits

  constructor (appid: string, directory: string, limits: FileLimits) {
    this.appid = appid
    this.title = directory
    this.directory = directory
    this.#limits = limits
  }

  async * sessions (onProgress: OnProgress): AsyncGenerator<PortableSession | Unreadable> {
    for await (const entry of walkDirectory(this.directory, { onProgress })) {
      try {
        const session = await this.#sessionOf(entry)
        if (session !== null) yield session
      } catch (error) {
        yield { error: asSessionError('list the sessions', this.directory, error) }
      }
    }
  }

  async find (name: string): Promise<PortableSession | null> {
    return await this.#withFile(name, 'read a session', async file => {
      const view = await file.read()
      return view === null || !holdsSession(view) ? null : portableSession({ ...view, name })
    })
  }

  async remove (name: string): Promise<boolean> {
    return await this.#withFile(name, 'remove a session', async file => {
      await file.remove()
      return true
    }) ?? false
  }

  async clean (limits: Lifetimes, { dryRun, onProgress }: { dryRun: boolean, onProgress: OnProgress }): Promise<ReapCounts> {
    const { directory } = this
    return await sweep({ directory, limits, clock: new Clock(), disk: localDisk, fileLimits: this.#limits, dryRun, onProgress })
  }

  async * verify (onProgress: OnProgress): AsyncGenerator<Verified> {
    for await (const entry of walkDirectory(this.directory, { onProgress })) {
      yield { isSession: entry.kind === 'session', problem: await this.#problemOf(entry) }
    }
  }

  async #sessionOf (entry: DirectoryEntry): Promise<PortableSession | null> {
    if (entry.kind === 'unreadable') throw entry.error
    if (entry.kind !== 'session' || !await isOurs(localDisk, entry.path)) return null
    const view = await this.#file(entry.path).read()
    return view === null || !holdsSession(view) || isForwarding(view.tip.text) ? null : portableSession({ ...view, name: sessionNameOf(entry.path) })
  }

  /** Does something with the session's file, if it is one of ours; returns null otherwise. */
  async #withFile<T> (name: string, doing: string, work: (file: SessionFile) => Promise<T>): Promise<T | null> {
    const file = this.#file(sessionPath(this.directory, name), true)
    await new PrivateDirectory(this.directory).check(name)
    try {
      return await isOurs(localDisk, file.path) ? await work(file) : null
    } catch (error) {
      throw asSessionError(doing, this.directory, error)
    }
  }

  async #problemOf (entry: DirectoryEntry): Promise<Verified['problem']> {
    if (entry.kind === 'foreign') return { kind: 'foreign', what: entry.path }
    if (entry.kind === 'unreadable') return this.#unreadable(entry.path, entry.error)
    if (entry.kind !== 'session') return null
    try {
      if (!await isOurs(localDisk, entry.path)) return await isThere(entry.path) ? { kind: 'foreign', what: entry.path } : null
      if (!await this.#isTorn(entry.path)) return null
      await localDisk.wait(IN_FLIGHT)
      return await this.#isTorn(entry.path) ? { kind: 'torn', what: entry.path } : null
    } catch (error) {
      return this.#unreadable(entry.path, error)
    }
  }

  #unreadable (path: string, error: unknown): Verified['problem'] {
    return { kind: 'unreadable', what: path, reason: asSessionError('read', this.directory, error).message }
  }

  async #isTorn (path: string): Promise<boolean> {
    const view = await this.#file(path).read()
    return view !== null && (view.torn || view.tip === null)
  }

  #file (path: string, durable = false): SessionFile {
    return new SessionFile(path, localDisk, durable, { limits: this.#limits })
  }
}

/** What went since it was listed is not a problem. */
async function isThere (path: string): Promise<boolean> {
  return await unlessMissing(localDisk.lstat(path)) !== null
}
