import { GRACE } from '../clock'
import { hasCode } from '../../errors'
import { checkRecord } from '../record-options'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from '../session-record'
import type { FileView } from './file-view'
import { ImmediateRecords, replacement } from './immediate-records'
import type { JournalRecord } from './journal'
import { keepLastUse } from './last-use'
import { holdsSession, type SessionView } from './session-age'
import type { SessionFile } from './session-file'

/** The verbs of a store that keeps each session in a file of its own. */
export abstract class FileRecords extends ImmediateRecords {
  /** {@inheritDoc RecordStore.read} @throws {SessionFileError} */
  async read (name: string): Promise<StoredSession | null> {
    const file = await this.#privateFile(name)
    return this.ages.stored(file.recall() ?? await this.#look(name, file))
  }

  /** {@inheritDoc RecordStore.create} @throws {SessionFileError} */
  async create (name: string, record: SessionRecord): Promise<Creation> {
    return await this.createNow(name, record) ?? await this.makeSession(name, record)
  }

  /** Does what `create` does, for a session that was last used at `lastAccess`, if that is given: in milliseconds since 1970. */
  protected async makeSession (name: string, record: SessionRecord, lastAccess?: number): Promise<Creation> {
    const now = this.clock.now()
    const first = this.newRecord(record, now, now)
    const file = await this.#privateFile(name)
    while (!await this.#make(name, file, first, lastAccess)) {
      const view = await this.#look(name, file)
      if (view === null) continue
      if (!this.ages.isOver(view)) return { result: 'taken' }
      await this.guard('remove an expired session', file.removeJudged(view))
    }
    return { result: 'created', version: first.id }
  }

  /** {@inheritDoc RecordStore.replace} @throws {SessionError} */
  async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    checkRecord(record, this.options.maxSize)
    const file = await this.#privateFile(name)
    const isUse = record.keepLastUse !== true
    // A view that is kept may not show the last use.
    const view = (isUse ? this.known(file, version) : null) ?? await this.#open(name, file)
    if (view === null) return { result: 'gone' }
    if (view.tip.id !== version) return { result: 'conflict' }
    const next = this.newRecord(record, view.tip.createdAt)
    const outcome = await this.guard('save a session', file.append(next, version, record.forgetEarlier)).finally(() => { this.files.update(name, file) })
    // A process that goes by the access time alone, such as `find -amin`, must see that the session
    // was used. The text is stored in any case.
    if (outcome === 'replaced' && isUse && this.#isTouchDue(file)) await file.touch(this.clock.now()).catch(() => undefined)
    if (outcome === 'replaced' && !isUse) await keepLastUse(file, view).catch(() => undefined)
    return replacement(outcome, next)
  }

  /** {@inheritDoc RecordStore.remove} @throws {SessionFileError} */
  async remove (name: string, version?: string): Promise<Removal> {
    const removal = version === undefined ? undefined : await this.removeNow(name, version)
    if (removal !== undefined) return removal
    const file = await this.#privateFile(name)
    try {
      if (version === undefined) return await this.guard('remove a session', file.remove()) ? 'removed' : 'gone'
      const view = this.known(file, version) ?? await this.#open(name, file)
      if (view === null) {
        await this.guard('remove a session', file.syncEnd())
        return 'gone'
      }
      if (view.tip.id !== version) return 'conflict'
      return await this.guard('remove a session', file.end(version))
    } finally {
      this.files.update(name, file)
    }
  }

  /** {@inheritDoc RecordStore.touch} @throws {SessionFileError} */
  async touch (name: string): Promise<void> {
    const file = await this.#privateFile(name)
    // Looked at anew: one that has expired stays so, and the modification time that is kept is the newest.
    const view = file.recall() ?? await this.#look(name, file)
    const session = view === null ? null : this.ages.live(view, GRACE)
    if (session === null || this.ages.isJustTouched(session)) return
    await this.guard('touch a session', file.touch(this.clock.now()))
  }

  /** {@inheritDoc RecordStore.setAside} @throws {SessionFileError} */
  async setAside (name: string, version?: string): Promise<void> {
    const file = await this.#privateFile(name)
    if (version !== undefined) {
      const view = file.recall() ?? await this.#look(name, file)
      if (view?.tip?.id !== version) return
    }
    await this.guard('set a session aside', file.setAside(this.clock.now()))
    this.files.update(name, file)
  }

  protected async guard<T> (doing: string, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw this.wrapped(doing, error)
    }
  }

  /** Returns the file of a session, once the directories above it were found private. */
  async #privateFile (name: string): Promise<SessionFile> {
    const file = this.file(name)
    if (!this.privacy.checkNow(name)) await this.guard('use the session directory', this.privacy.check(name))
    return file
  }

  async #look (name: string, file: SessionFile): Promise<FileView | null> {
    return await this.guard('read a session', file.read()).finally(() => { this.files.update(name, file) })
  }

  /** Returns the live view of the file, once the file that stands there can take another record. */
  async #open (name: string, file: SessionFile): Promise<SessionView | null> {
    for (;;) {
      const view = file.recall() ?? await this.#look(name, file)
      const session = view === null ? null : this.ages.live(view, GRACE)
      if (session?.tip.seal !== true) return session
      await this.guard('rewrite a session', file.rewrite())
    }
  }

  /** Whether the session that was just saved is due to be touched. Another request of this process may have ended it since. */
  #isTouchDue ({ view }: SessionFile): boolean {
    return view !== null && holdsSession(view) && this.ages.isTouchDue(view)
  }

  /** Makes the file, and its directory if need be. Returns false when there is a file already. */
  async #make (name: string, file: SessionFile, record: JournalRecord, lastAccess?: number): Promise<boolean> {
    const now = this.clock.now()
    const times: [number, number?] = lastAccess === undefined ? [now] : [Math.min(lastAccess, now), 0]
    try {
      await file.create(record, ...times).catch(async error => {
        if (!hasCode(error, 'ENOENT')) throw error
        await this.privacy.makeShard(name)
        await file.create(record, ...times)
      })
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false
      throw this.wrapped('make a session', error)
    }
    this.files.update(name, file)
    return true
  }
}
