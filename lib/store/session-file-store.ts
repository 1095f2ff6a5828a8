import { hash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { Clock, timeLeft, touchInterval, type Lifetimes } from '../ageing'
import { fileError, hasCode, SessionError } from '../errors'
import { fileStoreOptions, type SessionFileStoreOptions } from '../options'
import { localDisk, type Disk } from './disk'
import { checkDisk, type DiskCheckOptions, type DiskSpace } from './disk-check'
import { newRecordId, type JournalRecord } from './journal'
import { directoryName, makePrivateDirectory } from './session-directory'
import { SessionFile, type FileView } from './session-file'
import type {
  CreatedSession, CreateOptions, PutOptions, QuarantiningSessionStore, Replacement, StoredSession, TouchableSessionStore,
  VersionedSessionStore
} from './session-store'

/** Memory for what was read of the files, in bytes. */
const CACHE_SIZE = 32 * 1024 * 1024
/** Longer ids are not worth a hash: nobody was given one. */
const LONGEST_ID = 1024
/** Ids are random; a generator that gives a taken one this often is broken. */
const ID_ATTEMPTS = 5

type LiveView = FileView & { tip: JournalRecord }

/**
 * Sessions in files, one each, under
 * `sessionDir/<appid, percent-encoded>/<2 hex digits>/<62 hex digits>`; the digits are the SHA-256
 * of appid, NUL and id. Any string is safe as an id, and no name gives an id away.
 *
 * Any number of stores, in any number of processes of one machine, can work on one directory.
 *
 * @throws {SessionError} from the constructor, for an option that makes no sense.
 */
export class SessionFileStore implements VersionedSessionStore, TouchableSessionStore, QuarantiningSessionStore {
  readonly #appid: string
  readonly #sessionDir: string
  readonly #directory: string
  readonly #lifetimes: Lifetimes
  readonly #durable: boolean
  readonly #maxSize: number
  readonly #idGenerator: () => string
  readonly #disk: Disk
  readonly #clock: Clock
  /** Last views by path. */
  readonly #views = new LRUCache<string, FileView>({ maxSize: CACHE_SIZE, sizeCalculation: weight })

  constructor (options: SessionFileStoreOptions, disk: Disk = localDisk, clock: Clock = new Clock()) {
    const settled = fileStoreOptions(options)
    this.#appid = settled.appid
    this.#sessionDir = settled.sessionDir
    this.#directory = join(settled.sessionDir, directoryName(settled.appid))
    this.#lifetimes = settled
    this.#durable = settled.durability === 'fsync'
    this.#maxSize = settled.maxSize
    this.#idGenerator = settled.idGenerator
    this.#disk = disk
    this.#clock = clock
  }

  sesAppid (): string {
    return this.#appid
  }

  /**
   * Makes `sessionDir` (0700) if it is missing, and makes sure that others cannot read it. The
   * plugin calls this before the app is ready.
   *
   * @throws {SessionFileError} when it cannot be made or used, or is open to others.
   */
  async open (): Promise<void> {
    await makePrivateDirectory(this.#sessionDir, this.#durable)
    await makePrivateDirectory(this.#directory, this.#durable)
  }

  /**
   * Whether sessions can be stored now: for a health check. Looks at the free space and writes a
   * little for trial.
   *
   * @throws {SessionFileError} that says what is wrong
   */
  async checkDisk (options: DiskCheckOptions = {}): Promise<DiskSpace> {
    const { freeBytes = this.#maxSize, freeFiles = 100 } = options
    return await checkDisk(this.#directory, { freeBytes, freeFiles })
  }

  /** {@inheritDoc SessionStore.getSession} @throws {SessionFileError} */
  async getSession (sesid: string): Promise<string | null> {
    const file = this.#file(sesid)
    const view = await this.#live(file)
    if (view === null) return null
    if (this.#touchDue(view)) await this.#guard('touch a session', file.touch(this.#clock.now()))
    return view.tip.text
  }

  /** {@inheritDoc VersionedSessionStore.readSession} @throws {SessionFileError} */
  async readSession (sesid: string): Promise<StoredSession | null> {
    const view = await this.#live(this.#file(sesid))
    if (view === null) return null
    return {
      text: view.tip.text,
      version: view.tip.id,
      idleTimeout: view.tip.idleTimeout === 0 ? undefined : view.tip.idleTimeout,
      touchDue: this.#touchDue(view),
      idleLeft: this.#timeLeft(view)
    }
  }

  /** {@inheritDoc SessionStore.newSession} @throws {SessionFileError} */
  async newSession (): Promise<string> {
    return (await this.createSession('')).sesid
  }

  /** {@inheritDoc VersionedSessionStore.createSession} @throws {SessionFileError} */
  async createSession (text: string, options?: CreateOptions): Promise<CreatedSession> {
    this.#checkSize(text)
    const record = {
      id: newRecordId(),
      text,
      idleTimeout: idleSeconds(options) ?? 0,
      createdAt: this.#clock.now(),
      seal: false
    }
    if (options?.sesid !== undefined) return await this.#createUnder(options.sesid, record)
    for (let attempt = 0; attempt < ID_ATTEMPTS; attempt++) {
      const sesid = this.#idGenerator()
      if (!isId(sesid)) break
      if (await this.#create(this.#file(sesid), record)) return { sesid, version: record.id }
    }
    throw new SessionError('SESSION_ID', 'idGenerator must return a new random string each time, ' +
      `of 1 to ${LONGEST_ID} characters`)
  }

  /** {@inheritDoc SessionStore.putSession} @throws {SessionFileError} */
  async putSession (sesid: string, text: string, options?: PutOptions): Promise<void> {
    this.#checkSize(text)
    const file = this.#file(sesid)
    for (;;) {
      const view = await this.#unsealed(file)
      if (view === null || (await this.#append(file, view.tip, text, options)).result !== 'conflict') return
    }
  }

  /** {@inheritDoc VersionedSessionStore.replaceSession} @throws {SessionFileError} */
  async replaceSession (sesid: string, text: string, version: string, options?: PutOptions): Promise<Replacement> {
    this.#checkSize(text)
    const file = this.#file(sesid)
    const view = await this.#unsealed(file)
    if (view === null) return { result: 'gone' }
    if (view.tip.id !== version) return { result: 'conflict' }
    return await this.#append(file, view.tip, text, options)
  }

  /** {@inheritDoc TouchableSessionStore.touchSession} @throws {SessionFileError} */
  async touchSession (sesid: string): Promise<void> {
    await this.#guard('touch a session', this.#file(sesid).touch(this.#clock.now()))
  }

  /** {@inheritDoc SessionStore.delSession} @throws {SessionFileError} */
  async delSession (sesid: string): Promise<void> {
    const file = this.#file(sesid)
    await this.#guard('remove a session', file.remove())
    this.#keep(file)
  }

  /** {@inheritDoc QuarantiningSessionStore.setAsideSession} @throws {SessionFileError} */
  async setAsideSession (sesid: string): Promise<void> {
    const file = this.#file(sesid)
    await this.#guard('set a session aside', file.setAside(String(this.#clock.now())))
    this.#keep(file)
  }

  #file (sesid: string): SessionFile {
    // Whatever is no id gets a path all the same, at which there is nothing: one way for all.
    const digits = hash('sha256', `${this.#appid}\0${isId(sesid) ? sesid : ''}`)
    const path = `${this.#directory}/${digits.slice(0, 2)}/${digits.slice(2)}`
    return new SessionFile(path, this.#disk, this.#durable, this.#views.get(path))
  }

  /** The file's view, if there is a session in it that has not expired. */
  async #live (file: SessionFile): Promise<LiveView | null> {
    const view = await this.#guard('read a session', file.read())
    this.#keep(file)
    return isWhole(view) && this.#timeLeft(view) > 0 ? view : null
  }

  #timeLeft ({ tip, atimeMs, mtimeMs }: LiveView): number {
    const span = { createdAt: tip.createdAt, idleTimeout: tip.idleTimeout, lastAccess: Math.max(atimeMs, mtimeMs) }
    return timeLeft(span, this.#lifetimes, this.#clock)
  }

  /** The same, when the file that stands there can take another record. */
  async #unsealed (file: SessionFile): Promise<LiveView | null> {
    for (;;) {
      const view = await this.#live(file)
      if (view === null || !view.tip.seal) return view
      await this.#guard('rewrite a session', file.unseal())
    }
  }

  async #append (file: SessionFile, tip: JournalRecord, text: string, options?: PutOptions): Promise<Replacement> {
    const record = {
      id: newRecordId(),
      text,
      idleTimeout: idleSeconds(options) ?? tip.idleTimeout,
      createdAt: tip.createdAt,
      seal: false
    }
    const outcome = await this.#guard('save a session', file.append(record, tip.id))
    this.#keep(file)
    if (outcome === 'won') return { result: 'replaced', version: record.id }
    return { result: outcome === 'lost' ? 'conflict' : 'gone' }
  }

  /** Answers false when there is a session with that id already. */
  async #create (file: SessionFile, record: JournalRecord): Promise<boolean> {
    try {
      await file.create(record).catch(async error => {
        if (!hasCode(error, 'ENOENT')) throw error
        await makePrivateDirectory(dirname(file.path), this.#durable)
        await file.create(record)
      })
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false
      throw this.#wrapped('make a session', error)
    }
    this.#keep(file)
    return true
  }

  /** What stands there and is no live session makes room. */
  async #createUnder (sesid: string, record: JournalRecord): Promise<CreatedSession> {
    if (!isId(sesid)) throw new SessionError('SESSION_ID', `a session id must have 1 to ${LONGEST_ID} characters`)
    const file = this.#file(sesid)
    if (!await this.#create(file, record)) {
      if (await this.#live(file) === null) await this.#guard('remove an expired session', file.remove())
      if (!await this.#create(file, record)) {
        throw new SessionError('SESSION_ID_TAKEN', 'a session cannot be made under an id that has one')
      }
    }
    return { sesid, version: record.id }
  }

  #keep ({ path, view }: SessionFile): void {
    if (view === null) this.#views.delete(path)
    else if (this.#views.peek(path) !== view) this.#views.set(path, view)
  }

  #touchDue (view: LiveView): boolean {
    const interval = touchInterval(view.tip.idleTimeout === 0 ? this.#lifetimes.idleTimeout : view.tip.idleTimeout)
    return Math.abs(this.#clock.now() - view.atimeMs) > interval
  }

  #checkSize (text: string): void {
    if (Buffer.byteLength(text) <= this.#maxSize) return
    throw new SessionError('SESSION_TOO_BIG',
      `the session's text is longer than maxSize (${this.#maxSize} bytes): keep less in it, or raise maxSize`)
  }

  async #guard<T> (doing: string, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw this.#wrapped(doing, error)
    }
  }

  #wrapped (doing: string, error: unknown): SessionError {
    return error instanceof SessionError ? error : fileError(doing, this.#directory, error)
  }
}

function isId (sesid: unknown): sesid is string {
  return typeof sesid === 'string' && sesid !== '' && sesid.length <= LONGEST_ID
}

function isWhole (view: FileView | null): view is LiveView {
  return view !== null && view.tip !== null
}

function idleSeconds (options?: PutOptions): number | undefined {
  if (options?.idleTimeout === undefined) return undefined
  return Math.min(Math.max(Math.ceil(options.idleTimeout), 1), 0xffffffff)
}

function weight (view: FileView): number {
  return 512 + 2 * (view.tip?.text.length ?? 0)
}
