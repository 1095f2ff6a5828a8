import { publishError } from '../diagnostics'
import { SessionError } from '../errors'
import type { StoredSession } from '../store/session-record'
import { CLEAR, NONE, type CookieChange, type CookieValue } from './cookie-change'
import type { SessionCookieOptions } from './cookie-options'
import type { CookieOutlet } from './cookie-outlet'
import { removeLeftovers } from './leftovers'
import { renewAtEnd } from './renewal-end'
import type { RenewalTimes } from './renewal-times'
import type { PlainObject } from './plain-object'
import { saveNow, saveSession } from './save'
import { propertiesOf } from './session'
import { SessionCopy } from './session-copy'
import type { NewSession, SessionKey } from './opened-session'
import type { SessionLog } from './session-log'
import type { Found } from './session-records'
import type { Shared } from './shared'
import { touchSession } from './touch'
import { hasSameValues, hasUnsavedChanges } from './unsaved'

/** A live session that a request's cookie names: `value` is what the cookie says. */
export interface Loaded extends Found {
  readonly value: CookieValue
}

/**
 * How a request's work with its session ends: what there is to store is stored, and what is to become
 * of the cookie goes out.
 *
 * The cookie is cleared only if this request itself ended the session that the cookie brought: an
 * answer that comes late must not take away the cookie of a newer session.
 */
export abstract class VisitEnd extends SessionCopy {
  /** The cookie that brought the session; null: none did. */
  protected readonly cookie: CookieValue | null
  /** The response on which the cookie goes out; null: the caller takes care of the cookie. */
  outlet: CookieOutlet | null = null
  /** Whether the response has the cookie already, before the end. */
  #isAnnounced = false
  #hasEndedCookie = false
  protected cookieOptions: SessionCookieOptions | undefined = undefined
  protected isTouched = false
  protected skipsSave = false
  #isFinished = false
  /** Whether the end of the request has failed, and no answer has said so yet. */
  #hasFailed = false
  /** While the end of the request is under way. */
  #finishing: Promise<CookieChange> | null = null
  #isAwaited = false
  /** The data as they were when the request ended. */
  #dataAtEnd: PlainObject | null = null

  /** The name of the session that the cookie brought; `''`: it brought none. */
  #broughtName: string

  /** `loaded`: null for a request whose cookies name no live session. */
  constructor (shared: Shared, log: SessionLog, loaded: Loaded | null) {
    super(shared, log, loaded?.key.sesid ?? null, loaded?.key.name ?? '', loaded?.stored ?? null)
    this.cookie = loaded?.value ?? null
    this.#broughtName = this.name
  }

  protected override moveTo (key: SessionKey): void {
    if (this.name === this.#broughtName) this.#broughtName = key.name
    super.moveTo(key)
  }

  /**
   * Looks at the store again, for a session that was loaded before the request's body arrived: that
   * may have taken hours. Returns false when it takes time: call `checkAgain`.
   *
   * @throws {SessionError} when the store cannot be read
   */
  checkAgainNow (): boolean {
    const { committer, steps } = this.shared
    if (this.stored === null) return true
    if (steps.isBusy(this)) return false
    const newest = committer.readNow(this.key)
    if (newest === undefined) return false
    this.see(newest)
    return true
  }

  /**
   * Ends the request: stores what there is to store. Returns `undefined` when that takes time: call
   * `finish`. A second time, when the error of the first is sent, nothing is stored: the cookie tells
   * what was done before the end, such as a `regenerate()`.
   *
   * @throws {SessionError} when the session could not be stored
   */
  finishNow (): CookieChange | undefined {
    if (this.#finishing !== null) return undefined
    if (this.#isFinished) return this.#changeAfterFailure()
    this.#isFinished = true
    this.#dataAtEnd = this.opened === null ? null : propertiesOf(this.opened).glance()
    try {
      return this.#endNow()
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  /**
   * The same, for an end that takes time. A reply that is sent twice at once, as by a hook that
   * redirects and a handler after it, waits here for the first: it must not go out before the session
   * is stored and the cookie written.
   */
  async finish (): Promise<CookieChange> {
    const change = this.finishNow()
    if (change !== undefined) return change
    if (!this.#isAwaited) {
      this.#isAwaited = true
      return await (this.#finishing as Promise<CookieChange>)
    }
    await this.#finishing
    return NONE
  }

  #endNow (): CookieChange | undefined {
    const { steps } = this.shared
    if (steps.isBusy(this) || this.leftovers !== null || this.#isRenewalDue) return this.#endLater(steps.run(this, () => this.#end()))
    const text = this.#textToStore()
    if (text !== null && !saveNow(this, text)) return this.#endLater(this.#end(text))
    const isDone = !this.#isTouchDue && (text !== null || !this.#isCookieDue || this.checkAgainNow())
    return isDone ? this.#cookieChange(false) : this.#endLater(this.#end(null))
  }

  #endLater (end: Promise<CookieChange>): undefined {
    this.#finishing = end
    end.then(() => { this.#finishing = null }, (error: unknown) => {
      this.#finishing = null
      this.#fail(error)
    })
  }

  #fail (error: unknown): void {
    this.#hasFailed = true
    publishError('save', this.shared.appid, error)
  }

  #changeAfterFailure (): CookieChange {
    if (!this.#hasFailed || this.#isBrought) return NONE
    this.#hasFailed = false
    return this.#cookieChange(false)
  }

  async #end (known?: string | null): Promise<CookieChange> {
    if (this.leftovers !== null) await this.removeLeftovers()
    const text = known === undefined ? this.#textToStore() : known
    if (text !== null) await saveSession(this, text)
    if (this.#isRenewalDue) await renewAtEnd(this, this.stored as StoredSession, this.shared.renewal as RenewalTimes)
    const isTouched = this.#isTouchDue && await touchSession(this)
    if (text === null && this.#isCookieDue) await this.lookAgain()
    return this.#cookieChange(isTouched)
  }

  #textToStore (): string | null {
    return this.skipsSave ? null : this.unsavedText()
  }

  #cookieChange (isTouched: boolean): CookieChange {
    const { sesid } = this
    if (sesid === null) return this.#hasEndedCookie ? CLEAR : NONE
    const maxAge = this.idleTimeout ?? this.stored?.idleTimeout
    const options = this.cookieOptions
    if (!this.#isBrought || this.cookie?.renew === true || options !== undefined) return { change: 'send', sesid, maxAge, options }
    return isTouched && this.shared.rolling ? { change: 'refresh', sesid, maxAge, options } : NONE
  }

  /** Whether this request ended the session that its cookie brought, as a logout does. */
  get hasLoggedOut (): boolean {
    return this.#hasEndedCookie && this.isDeleted && !this.isClosed
  }

  /** Whether the session is the one that the cookie brought. */
  get #isBrought (): boolean {
    return this.sesid !== null && this.sesid === this.cookie?.sesid
  }

  /** Whether the session that the cookie brought has moved to a new id by itself, of which the cookie does not know. */
  protected get isElsewhere (): boolean {
    return this.sesid !== null && this.name === this.#broughtName && !this.#isBrought
  }

  /** Whether the session is to get a new id by itself: only where the cookie can still go out. */
  get #isRenewalDue (): boolean {
    return this.isRenewable && !this.skipsSave && this.#isBrought && this.outlet !== null && this.outlet.closedBecause(true) === null
  }

  protected get isRenewable (): boolean {
    return this.stored !== null && this.shared.renewal?.isDue(this.stored) === true
  }

  /** Only of the session that the cookie brought: a new one was used just now. */
  get #isTouchDue (): boolean {
    return !this.skipsSave && this.#isBrought && (this.isTouched || this.stored?.touchDue === true)
  }

  /**
   * Whether the cookie is to be sent again with the id that it brought. Not before another look: if
   * the session has ended since, the browser may have the cookie of a newer one by now.
   */
  get #isCookieDue (): boolean {
    return this.#isTouchDue || this.isElsewhere || (this.#isBrought && (this.cookie?.renew === true || this.cookieOptions !== undefined))
  }

  /** @throws {SessionError} SESSION_UNREACHABLE, when the cookie of a new session cannot reach the visitor any more */
  checkReach (): void {
    const reason = this.outlet?.closedBecause(this.#isFinished) ?? null
    if (reason === null) return
    throw new SessionError('SESSION_UNREACHABLE', `a new session would get an id that cannot reach the visitor: ${reason}. Nothing is stored`)
  }

  override become (created: NewSession): void {
    super.become(created)
    this.announce()
  }

  /** Puts the cookie on the response before the end, which does not come when the app writes the response itself. */
  protected announce (): void {
    if (this.outlet === null || this.#finishing !== null) return
    const isDue = this.sesid === null ? this.#hasEndedCookie : !this.#isBrought
    if (isDue || this.#isAnnounced) this.outlet.put(this.#cookieChange(false), false)
    this.#isAnnounced = isDue
  }

  /** Whether the data may have changed since the end of the request, or no end came. Cheap: it does not look into nested data. */
  mayHaveLateChanges (): boolean {
    return this.#dataAtEnd === null || !hasSameValues(propertiesOf(this.session).glance(), this.#dataAtEnd)
  }

  /** Whether there is a change that is not stored. The answer counts once the steps that the app asked for are done. */
  hasUnsaved (): boolean {
    return !this.skipsSave && hasUnsavedChanges(this)
  }

  /** The same, when these steps are done. */
  hasUnsavedAfterSteps (): Promise<boolean> {
    return this.shared.steps.run(this, async () => this.hasUnsaved())
  }

  protected removeLeftovers (): Promise<void> {
    return removeLeftovers(this.leftovers ?? [], this.shared, name => { this.noteEnd(name) })
  }

  protected noteEnd (name: string | null): void {
    if (name !== null && name !== '' && name === this.#broughtName) this.#hasEndedCookie = true
  }
}
