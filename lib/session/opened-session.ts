import { performance } from 'node:perf_hooks'
import type { About } from '../store/index-about'
import type { SessionCipher } from '../store/session-cipher'
import { headerOf as headerOfText, headFor, NO_HEADER, type SessionHeader } from '../store/session-header'
import type { SessionRecord, StoredSession } from '../store/session-record'

/** A session that ends so soon (ms) may have ended when the store is called. */
const CLOSE = 10_000

/** A session's id, and the name under which the store keeps it. */
export interface SessionKey {
  readonly sesid: string
  readonly name: string
}

/** A session that was just made. */
export interface NewSession extends SessionKey {
  readonly stored: StoredSession
  /** What kept the logins beside it that are too many from being ended, when it has taken the place of another one. */
  readonly unsettled?: unknown
}

/** A session whose place another one takes. */
export interface Predecessor extends SessionKey {
  /** Called for what a device list shows of it, where the lists do not say that any more. */
  readonly about?: (() => About | undefined) | undefined
}

/** A record with a plain text, and what is known of the session beside it. */
export interface PlainRecord extends SessionRecord {
  /** Left out: that of the record that this one takes the place of; none for a new session. */
  readonly header?: SessionHeader | undefined
  /** Called when the session enters an index, for what a device list shows. */
  readonly about?: (() => About | undefined) | undefined
  /** Whether its places in indexes are worked out although the text is as before: the indexes may be new. */
  readonly isIndexedAnew?: boolean | undefined
}

/** A stored session whose text is opened when it is asked for. */
export class OpenedSession implements StoredSession {
  readonly idleTimeout: number | undefined
  readonly createdAt: number | undefined
  readonly version: string
  readonly touchDue: boolean
  readonly idleLeft: number | undefined
  readonly clock: number | undefined
  /** The text as it is stored. */
  readonly sealed: string
  readonly #cipher: SessionCipher
  readonly #sesid: string
  #plain: string | undefined
  #header: SessionHeader | undefined
  readonly #readAt: number

  constructor (cipher: SessionCipher, { sesid }: SessionKey, stored: StoredSession, plain?: string) {
    this.idleTimeout = stored.idleTimeout
    this.createdAt = stored.createdAt
    this.version = stored.version
    this.touchDue = stored.touchDue
    this.idleLeft = stored.idleLeft
    this.clock = stored.clock
    this.sealed = stored.text
    this.#cipher = cipher
    this.#sesid = sesid
    this.#plain = plain
    this.#readAt = stored.idleLeft === undefined ? 0 : performance.now()
  }

  get isPast (): boolean {
    return this.idleLeft !== undefined && performance.now() - this.#readAt > this.idleLeft - CLOSE
  }

  get header (): SessionHeader {
    this.#header ??= headerOfText(this.sealed) ?? NO_HEADER
    return this.#header
  }

  get text (): string {
    this.#plain ??= this.#cipher.open(this.#sesid, this.sealed)
    return this.#plain
  }
}

/** Returns the text of a session as it is stored. */
export function sealedText (session: StoredSession): string {
  return session instanceof OpenedSession ? session.sealed : session.text
}

/** Returns what is known of a session beside its data, whether its text opens or not. */
export function headerOf (session: StoredSession): SessionHeader {
  return session instanceof OpenedSession ? session.header : NO_HEADER
}

/** Whether the session has expired since it was read, or may have by the time that the store is called, as far as this process knows. */
export function isPast (session: StoredSession): boolean {
  return session instanceof OpenedSession && session.isPast
}

/** Whether two headers say the same. */
export function isSameHeader (one: SessionHeader, other: SessionHeader): boolean {
  return one === other || headFor(one) === headFor(other)
}
