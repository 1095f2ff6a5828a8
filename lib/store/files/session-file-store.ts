import { dirname, join } from 'node:path'
import { Clock, GRACE, type Lifetimes } from '../clock'
import { fileError, hasCode, SessionError } from '../../errors'
import { fileStoreOptions, type SessionFileStoreOptions } from './options'
import type { Disk } from './disk'
import { localDisk } from './local-disk'
import { checkDisk, type DiskCheckOptions, type DiskSpace } from './disk-check'
import { FileCache } from './file-cache'
import { newRecordId, type JournalRecord } from './journal'
import { SessionAges, type SessionView } from './session-age'
import { directoryName, makePrivateDirectory, sessionPath } from './session-directory'
import type { FileView } from './file-view'
import { SessionFile, type Appended } from './session-file'
import { removeSessions, storedSessions } from './session-listing'
import type {
  CreatedSession, CreateOptions, IterableSessionStore, PutOptions, QuarantiningSessionStore, ReadableSessionStore,
  ReapableSessionStore, ReapCounts, Replacement, SessionInfo, StoredSession, TouchableSessionStore, VersionedSessionStore
} from '../session-store'
import { sweep } from './sweep'

/** Memory for what was read of the files, in bytes. */
const CACHE_SIZE = 32 * 1024 * 1024
/** Longer ids are not worth a hash: nobody was given one. */
const LONGEST_ID = 1024
/** Ids are random; a generator that gives a taken one this often is broken. */
const ID_ATTEMPTS = 5

/**
 * Sessions in files, one each, under
 * `sessionDir/<appid, percent-encoded>/<2 hex digits>/<62 hex digits>`; the digits are the SHA-256
 * of appid, NUL and id. Any string is safe as an id, and no name gives an id away.
 *
 * Any number of stores, in any number of processes of one machine, can work on one directory.
 *
 * @throws {SessionError} from the constructor, for an option that makes no sense.
 */
export class SessionFileStore implements VersionedSessionStore, TouchableSessionStore, QuarantiningSessionStore,
  IterableSessionStore, ReadableSessionStore, ReapableSessionStore {
  readonly #appid: string
  readonly #sessionDir: string
  readonly #directory: string
  readonly #lifetimes: Lifetimes
  readonly #durable: boolean
  readonly #maxSize: number
  readonly #idGenerator: () => string
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #ages: SessionAges
  readonly #files = new FileCache(CACHE_SIZE)

  constructor (options: SessionFileStoreOptions = {}, disk: Disk = localDisk, clock: Clock = new Clock()) {
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
    this.#ages = new SessionAges(settled, clock)
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
   * Closes the files that are kept open for a few seconds after their last use, as the plugin does
   * when the app is closed. The store can be used on.
   */
  async close (): Promise<void> {
    this.#files.release()
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
    const session = await this.readSession(sesid)
    if (session?.touchDue === true) await this.touchSession(sesid)
    return session === null ? null : session.text
  }

  /** {@inheritDoc VersionedSessionStore.readSession} @throws {SessionFileError} */
  readSession (sesid: string): StoredSession | null | Promise<StoredSession | null> {
    const file = this.#file(sesid)
    const view = file.recall()
    return view === undefined ? this.#look(sesid, file).then(view => this.#ages.stored(view)) : this.#ages.stored(view)
  }

  /** {@inheritDoc SessionStore.newSession} @throws {SessionFileError} */
  async newSession (): Promise<string> {
    return (await this.createSession('')).sesid
  }

  /** {@inheritDoc VersionedSessionStore.createSession} @throws {SessionFileError} */
  async createSession (text: string, options?: CreateOptions): Promise<CreatedSession> {
    this.#checkText(text)
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
      if (await this.#create(sesid, record)) return { sesid, version: record.id }
    }
    throw new SessionError('SESSION_ID', 'idGenerator must return a new random string each time, ' +
      `of 1 to ${LONGEST_ID} characters`)
  }

  /** {@inheritDoc SessionStore.putSession} @throws {SessionFileError} */
  async putSession (sesid: string, text: string, options?: PutOptions): Promise<void> {
    this.#checkText(text)
    const file = this.#file(sesid)
    for (;;) {
      const view = await this.#unsealed(sesid, file)
      if (view === null) return
      const { result } = await this.#append(sesid, file, view, text, options)
      if (result !== 'conflict') return
    }
  }

  /** {@inheritDoc VersionedSessionStore.replaceSession} @throws {SessionFileError} */
  replaceSession (
    sesid: string, text: string, version: string, options?: PutOptions
  ): Replacement | Promise<Replacement> {
    this.#checkText(text)
    const file = this.#file(sesid)
    // What was loaded moments ago needs no second look: the append finds out by itself. Whoever has
    // the version got it when the session was alive, perhaps a moment before its end.
    const known = file.view === null ? null : this.#ages.live(file.view, GRACE)
    if (known !== null && known.tip.id === version && !known.tip.seal) {
      return this.#append(sesid, file, known, text, options)
    }
    return this.#unsealed(sesid, file, GRACE).then(view => {
      if (view === null) return { result: 'gone' }
      if (view.tip.id !== version) return { result: 'conflict' }
      return this.#append(sesid, file, view, text, options)
    })
  }

  /** {@inheritDoc TouchableSessionStore.touchSession} @throws {SessionFileError} */
  async touchSession (sesid: string): Promise<void> {
    const file = this.#file(sesid)
    // Looked at anew: one that has expired stays so, and the modification time that is kept is the newest.
    const view = await this.#read(sesid, file, GRACE)
    if (view === null || this.#ages.isJustTouched(view)) return
    await this.#guard('touch a session', file.touch(this.#clock.now()))
  }

  /** {@inheritDoc SessionStore.delSession} @throws {SessionFileError} */
  async delSession (sesid: string): Promise<void> {
    const file = this.#file(sesid)
    await this.#guard('remove a session', file.remove())
    this.#files.update(sesid, file)
  }

  /** {@inheritDoc QuarantiningSessionStore.setAsideSession} @throws {SessionFileError} */
  async setAsideSession (sesid: string): Promise<void> {
    const file = this.#file(sesid)
    await this.#guard('set a session aside', file.setAside(String(this.#clock.now())))
    this.#files.update(sesid, file)
  }

  /** {@inheritDoc IterableSessionStore.sessions} @throws {SessionFileError} */
  async * sessions (): AsyncGenerator<SessionInfo, void> {
    for await (const view of this.#views()) yield this.#ages.info(view)
  }

  /** {@inheritDoc ReadableSessionStore.texts} @throws {SessionFileError} */
  async * texts (): AsyncGenerator<string, void> {
    for await (const view of this.#views()) yield view.tip.text
  }

  /** {@inheritDoc IterableSessionStore.clear} @throws {SessionFileError} */
  async clear (): Promise<number> {
    return await this.#guard('remove all sessions',
      removeSessions(this.#directory, this.#disk))
  }

  /** {@inheritDoc ReapableSessionStore.reap} @throws {SessionFileError} */
  async reap (signal?: AbortSignal): Promise<ReapCounts> {
    return await this.#guard('remove expired sessions', sweep({
      directory: this.#directory,
      limits: this.#lifetimes,
      clock: this.#clock,
      disk: this.#disk,
      signal
    }))
  }

  async * #views (): AsyncGenerator<SessionView, void> {
    const views = storedSessions(this.#directory, this.#disk)
    try {
      for (;;) {
        const next = await this.#guard('list the sessions', views.next())
        if (next.done === true) return
        if (this.#ages.timeLeft(next.value) > 0) yield next.value
      }
    } finally {
      await views.return()
    }
  }

  #file (sesid: string): SessionFile {
    // Whatever is no id gets a path all the same, at which there is nothing: one way for all.
    return isId(sesid) ? this.#files.get(sesid, () => this.#newFile(sesid)) : this.#newFile('')
  }

  #newFile (sesid: string): SessionFile {
    return new SessionFile(sessionPath(this.#directory, this.#appid, sesid), this.#disk, this.#durable)
  }

  async #read (sesid: string, file: SessionFile, grace?: number): Promise<SessionView | null> {
    const view = file.recall() ?? await this.#look(sesid, file)
    return view === null ? null : this.#ages.live(view, grace)
  }

  async #look (sesid: string, file: SessionFile): Promise<FileView | null> {
    const view = await this.#guard('read a session', file.read())
    this.#files.update(sesid, file)
    return view
  }

  /** The file's live view, once the file that stands there can take another record. */
  async #unsealed (sesid: string, file: SessionFile, grace?: number): Promise<SessionView | null> {
    for (;;) {
      const view = await this.#read(sesid, file, grace)
      if (view === null || !view.tip.seal) return view
      await this.#guard('rewrite a session', file.unseal())
    }
  }

  #append (
    sesid: string, file: SessionFile, view: SessionView, text: string, options?: PutOptions
  ): Replacement | Promise<Replacement> {
    const { id, idleTimeout, createdAt } = view.tip
    const record = { id: newRecordId(), text, idleTimeout: idleSeconds(options) ?? idleTimeout, createdAt, seal: false }
    let outcome: Appended | Promise<Appended>
    try {
      outcome = file.append(record, id)
    } catch (error) {
      throw this.#wrapped('save a session', error)
    }
    return outcome instanceof Promise
      ? this.#guard('save a session', outcome).then(outcome => this.#appended(sesid, file, view, record.id, outcome))
      : this.#appended(sesid, file, view, record.id, outcome)
  }

  #appended (
    sesid: string, file: SessionFile, view: SessionView, version: string, outcome: Appended
  ): Replacement | Promise<Replacement> {
    this.#files.update(sesid, file)
    if (outcome !== 'won') return { result: outcome === 'lost' ? 'conflict' : 'gone' }
    if (!this.#ages.isTouchDue(view)) return { result: 'replaced', version }
    // Who goes by the access time alone, such as `find -amin`, must see that it was used. The text
    // is stored in any case.
    return file.touch(this.#clock.now()).catch(() => undefined).then(() => ({ result: 'replaced', version }))
  }

  /** Answers false when there is a session with that id already. */
  async #create (sesid: string, record: JournalRecord): Promise<boolean> {
    const file = this.#file(sesid)
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
    this.#files.update(sesid, file)
    return true
  }

  /** What stands there and is no live session makes room. */
  async #createUnder (sesid: string, record: JournalRecord): Promise<CreatedSession> {
    if (!isId(sesid)) throw new SessionError('SESSION_ID', `a session id must have 1 to ${LONGEST_ID} characters`)
    if (!await this.#create(sesid, record)) {
      const file = this.#file(sesid)
      if (await this.#read(sesid, file) === null) await this.#guard('remove an expired session', file.remove())
      if (!await this.#create(sesid, record)) {
        throw new SessionError('SESSION_ID_TAKEN', 'a session cannot be made under an id that has one')
      }
    }
    return { sesid, version: record.id }
  }

  #checkText (text: string): void {
    if (typeof text !== 'string') throw new TypeError('the text of a session must be a string')
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

function idleSeconds (options?: PutOptions): number | undefined {
  if (options?.idleTimeout === undefined) return undefined
  if (!(options.idleTimeout > 0)) {
    throw new SessionError('SESSION_OPTION', 'idleTimeout must be a number of seconds above 0')
  }
  return Math.min(Math.max(Math.ceil(options.idleTimeout), 1), 0xffffffff)
}
