import { watched, type DiagnosticsEvents } from '../diagnostics'
import { attributesOf, type SessionCookieOptions } from './cookie-options'
import { isFreshAt } from './freshness'
import { regenerateSession, type Regeneration } from './regenerate'
import { propertiesOf, Session } from './session'
import type { SessionActions } from './session-actions'
import { saveSession } from './save'
import { touchSession } from './touch'
import { updateSession, type Change } from './update'
import { VisitEnd } from './visit-end'

type Operation = DiagnosticsEvents['error']['operation']

/**
 * One request's work with its session. The session is loaded, perhaps looked at again when the
 * request's body has arrived, handed out, and stored when the request ends. The steps that the app
 * asks for in between run one after the other.
 */
export class Visit extends VisitEnd implements SessionActions {
  get session (): Session {
    if (this.opened === null) {
      this.opened = new Session(this, this.loaded())
      this.outlet?.opened()
    }
    return this.opened
  }

  /** Whether there is nothing to do at the end: no handler looked at the session, and no cookie is due. */
  get needsNoFinish (): boolean {
    return this.opened === null && this.cookie?.renew !== true && this.stored?.touchDue !== true && !this.isElsewhere && !this.isRenewable
  }

  checkAgain (): Promise<void> {
    return this.#step('load', () => this.lookAgain())
  }

  save (): Promise<void> {
    return this.#step('save', async () => {
      await this.removeLeftovers()
      const text = this.unsavedText()
      if (text !== null) await saveSession(this, text)
      if (this.isTouched && this.sesid !== null) await touchSession(this)
    })
  }

  reload (): Promise<void> {
    return this.#step('load', async () => {
      const { life } = this
      const newest = this.stored === null ? null : await this.readNewest()
      if (life !== this.life) return
      if (newest !== null) {
        propertiesOf(this.session).fill(this.shared.text.load(this.name, newest.text))
        this.stored = newest
        this.idleTimeout = undefined
      } else if (this.stored !== null) {
        this.close(life)
      } else {
        this.begin()
      }
    })
  }

  destroy (): Promise<void> {
    return this.#step('destroy', async () => {
      this.delete()
      await this.removeLeftovers()
      this.announce()
    })
  }

  delete (): void {
    if (this.stored !== null) this.leave(this.key, this.stored)
    this.begin()
    this.isDeleted = true
    this.isClosed = false
  }

  regenerate (keepKeys: readonly string[]): Promise<void> {
    return this.#step('regenerate', () => this.#regenerate({ keepKeys, freshAt: undefined }))
  }

  isFresh (maxAge: number): boolean {
    return isFreshAt(this.freshAt, maxAge, this.shared.now())
  }

  authenticated (keepKeys: readonly string[] | null): Promise<void> {
    return this.#step('authenticated', () => this.#regenerate({ keepKeys, freshAt: this.shared.now() }))
  }

  update<T> (change: Change<T>): Promise<T | undefined> {
    return watched('update', this.shared.appid, updateSession(this, change))
  }

  touch (): void {
    this.isTouched = true
  }

  options (options: SessionCookieOptions, idleTimeout: number | undefined): void {
    this.cookieOptions = { ...this.cookieOptions, ...attributesOf(options, this.shared.appid) }
    this.idleTimeout = idleTimeout ?? this.idleTimeout
  }

  skipSave (): void {
    this.skipsSave = true
  }

  /** The request goes on with the new session also when too few replicas know of the end of the old one: there is no way back. */
  async #regenerate (regeneration: Regeneration): Promise<void> {
    const { ended, unconfirmed } = await regenerateSession(this, regeneration)
    this.noteEnd(ended)
    this.announce()
    if (unconfirmed !== undefined) throw unconfirmed
  }

  /** Runs a step when the earlier ones are done. The app need not wait for it: a rejection counts as handled. */
  #step (operation: Operation, task: () => Promise<void>): Promise<void> {
    return watched(operation, this.shared.appid, this.shared.steps.run(this, task))
  }
}
