import { isWatched, publish, publishError } from '../diagnostics'
import { UnopenedError } from '../unopened'
import { sessionHandle } from '../store/session-id'
import type { About } from '../store/index-about'
import { NO_HEADER, type SessionHeader } from '../store/session-header'
import type { StoredSession } from '../store/session-record'
import { changedHeader } from './freshness'
import { merge } from './merge'
import type { Leftover } from './leftovers'
import { JsonSlices } from './json-slices'
import { propertiesOf, type Session } from './session'
import type { LoadedData } from './session-properties'
import { headerOf, isSameHeader, type NewSession, type PlainRecord, type SessionKey } from './opened-session'
import type { SessionLog } from './session-log'
import type { Shared } from './shared'

/**
 * One request's copy of a session: the data, which the app changes, and the record that they were
 * read from, which later ones are merged on. It knows how changes get into the store, and how those
 * of other requests get into the copy.
 *
 * When another request or process ended the session, the copy is *closed*: it is empty and stores
 * nothing any more, because the request began as that of a visitor who is logged out by now.
 */
export abstract class SessionCopy {
  readonly shared: Shared
  readonly log: SessionLog
  /** Null until a handler looks at it: a route that never does costs no decoding. */
  opened: Session | null = null
  /** The session's id and name, and what is stored of it as far as this request knows. Nothing is stored while they are null and `''`. */
  sesid: string | null
  name: string
  stored: StoredSession | null
  /** Counts the sessions that this request has had: a step can tell by it that its session is not the current one any more. */
  life = 0
  /** Seconds, when the request wants an idle timeout that is not stored yet. */
  idleTimeout: number | undefined = undefined
  /** What the request wants to be known of the session that is not stored yet. */
  headerChange: SessionHeader = NO_HEADER
  /** What a device list shows of a session that this request brings into an index. */
  about: (() => About | undefined) | undefined = undefined
  /** When the visitor's first session was created (ms since 1970): kept for a session that `regenerate()` emptied and no save has stored yet. */
  createdAt: number | undefined = undefined
  /** Sessions that the request had, still to be removed, or to be set aside. */
  leftovers: Leftover[] | null = null
  isDeleted = false
  isClosed = false

  constructor (shared: Shared, log: SessionLog, sesid: string | null, name: string, stored: StoredSession | null) {
    this.shared = shared
    this.log = log
    this.sesid = sesid
    this.name = name
    this.stored = stored
  }

  /** The stored session's. */
  get key (): SessionKey {
    return { sesid: this.sesid as string, name: this.name }
  }

  /** What the app sees of it. */
  abstract readonly session: Session

  /** @throws {SessionError} SESSION_UNREACHABLE, when a new id cannot reach the visitor any more */
  abstract checkReach (): void

  /** Returns the data for the session that is opened. */
  loaded (): LoadedData {
    return this.stored === null ? {} : this.#dataOf(this.stored)
  }

  isModified (): boolean {
    return this.#isUnsaved(this.shared.text.print(this.name, this.session))
  }

  /** Returns the text that is to be stored; null when there is nothing to store. @throws {SessionError} SESSION_CODEC */
  unsavedText (): string | null {
    if (this.opened === null || this.isClosed) return null
    const text = this.shared.text.print(this.name, this.opened)
    return this.#isUnsaved(text) ? text : null
  }

  #isUnsaved (text: string): boolean {
    if (this.stored === null) return !this.shared.text.isSame(text, this.shared.text.empty)
    return !this.shared.text.isSame(text, this.stored.text) || this.#idleTimeoutOn(this.stored) !== this.stored.idleTimeout ||
      this.headerChange !== NO_HEADER
  }

  #idleTimeoutOn ({ idleTimeout }: StoredSession): number | undefined {
    return this.idleTimeout ?? idleTimeout
  }

  recordOn (newest: StoredSession, text: string): PlainRecord {
    return { text, idleTimeout: this.#idleTimeoutOn(newest), header: this.headerOn(headerOf(newest)), about: this.about }
  }

  /** When the visitor last proved who he is, in milliseconds since 1970; `undefined`: never. */
  get freshAt (): number | undefined {
    return this.headerOn(this.stored === null ? NO_HEADER : headerOf(this.stored)).freshAt
  }

  /** Returns what is to be known of the session from now on. */
  headerOn (stored: SessionHeader): SessionHeader {
    return changedHeader(stored, this.headerChange, this.shared.now)
  }

  /** Returns the header of a session that gets an id now, and says so itself, if ids are renewed at an age. */
  headerAt (header: SessionHeader): SessionHeader {
    const { renewal } = this.shared
    return renewal === null ? header : { ...header, renewedAt: renewal.now() }
  }

  /**
   * Takes over what is stored now; what was changed here since `base`, which is the text that the data
   * were last equal to, stays on top of it. Nothing may throw, because the swap has won. If the data cannot be merged, the copy keeps the older
   * record: the next commit finds a newer one and merges with that.
   */
  adopt (life: number, stored: StoredSession, base: string | undefined = this.stored?.text): void {
    if (life !== this.life || base === undefined || !this.mergeIn(base, stored.text)) return
    this.#settle(stored)
  }

  /** Merges into the data what changed from one text to the other, and returns whether that was possible. */
  mergeIn (base: string, newer: string): boolean {
    if (newer === base) return true
    const { text } = this.shared
    try {
      const loaded = text.load(this.name, newer)
      if (loaded instanceof JsonSlices && propertiesOf(this.session).rebase(base, loaded)) return true
      propertiesOf(this.session).fill(merge(text.decode(base), text.decode(newer), this.session.data()))
      return true
    } catch {
      return false
    }
  }

  /** Goes on with a session that was just made. */
  become ({ sesid, name, stored }: NewSession): void {
    this.sesid = sesid
    this.name = name
    this.createdAt = undefined
    this.#settle(stored)
  }

  #settle (stored: StoredSession): void {
    this.stored = stored
    if (this.idleTimeout === stored.idleTimeout) this.idleTimeout = undefined
    if (this.headerChange !== NO_HEADER && isSameHeader(this.headerOn(headerOf(stored)), headerOf(stored))) this.headerChange = NO_HEADER
  }

  /** Begins anew, empty. */
  begin (): void {
    this.forget()
    if (this.opened !== null) propertiesOf(this.opened).fill({})
  }

  /** Goes on with the same data, of which nothing is stored any more. */
  forget (): void {
    this.life++
    this.sesid = null
    this.name = ''
    this.stored = null
    this.idleTimeout = undefined
    this.headerChange = NO_HEADER
    this.createdAt = undefined
  }

  /** Has the session removed by the end of the request, or set aside. */
  leave (key: SessionKey, stored: StoredSession | null, setAside = false): void {
    this.leftovers ??= []
    this.leftovers.push({ key, setAside, version: setAside ? stored?.version : undefined, stored })
  }

  /** Another request or process ended the session that this one had in that life. */
  close (life: number): void {
    if (life !== this.life) return
    this.log.debug({ session: sessionHandle(this.name) },
      'the session was destroyed in the meantime: this request stores nothing of it')
    if (isWatched('gone')) publish('gone', { appid: this.shared.appid })
    this.begin()
    this.isDeleted = true
    this.isClosed = true
  }

  async lookAgain (): Promise<void> {
    const { life } = this
    const newest = this.stored === null ? null : await this.readNewest()
    if (life === this.life && this.stored !== null) this.see(newest)
  }

  /** Returns what is stored of the session now, which may have moved to a new id by itself; null: it has ended. */
  async readNewest (): Promise<StoredSession | null> {
    const { life, shared: { committer } } = this
    const newest = await committer.read(this.key)
    return newest === null && await this.follow(life) ? await this.readNewest() : newest
  }

  /**
   * Goes on with the id that the session has moved to by itself, and returns whether it has. Called when
   * there is no session any more under the id that is known here.
   */
  async follow (life: number): Promise<boolean> {
    if (life !== this.life || this.stored === null) return false
    const to = await this.shared.committer.movedTo(this.key)
    if (to === null || life !== this.life) return false
    this.moveTo(to)
    return true
  }

  /** The stored session has this key by now. */
  protected moveTo ({ sesid, name }: SessionKey): void {
    this.sesid = sesid
    this.name = name
  }

  /** Takes notice of what another look at the store found. What was changed here stays, and is merged when it is stored. */
  see (newest: StoredSession | null): void {
    if (newest === null) return this.close(this.life)
    if (newest.version === this.stored?.version || (this.opened !== null && this.isModified())) return
    this.stored = newest
    if (this.opened !== null) propertiesOf(this.opened).fill(this.loaded())
  }

  /**
   * A new session begins in place of one whose text cannot be opened or decoded. That one is set aside,
   * unless it is this process that lacks what it takes.
   */
  #dataOf (stored: StoredSession): LoadedData {
    const { key, name, shared } = this
    try {
      return shared.text.load(name, stored.text)
    } catch (error) {
      if (error instanceof UnopenedError) {
        shared.unserved.tell(this.log, name, error)
      } else {
        this.log.warn({ err: error, session: sessionHandle(name) }, 'a stored session is set aside, and a new one begins')
        publishError('decode', shared.appid, error)
      }
      if (!(error instanceof UnopenedError) || error.reason === 'damaged') this.leave(key, stored, true)
      this.begin()
      return {}
    }
  }
}
