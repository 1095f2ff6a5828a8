import type { SessionData } from '../../types/session-data'
import { SessionError } from '../errors'
import { put, type PlainObject } from './merge'
import type { SessionCookieOptions } from './cookie-options'
import type { StoredSession } from '../store/session-store'

/** `request.session`, with your own properties: see {@link SessionData}. */
export type RequestSession = Session & Partial<SessionData>

/** What `update` hands to its function: the newest data, to be changed in place. */
export type SessionDraft = Partial<SessionData> & Record<string, unknown>

type Callback = (error?: Error | null) => void

/** What a session cannot do by itself: the way to the store. */
export interface SessionActions {
  isModified (session: Session): boolean
  save (session: Session): Promise<void>
  reload (session: Session): Promise<void>
  destroy (session: Session): Promise<void>
  regenerate (session: Session, keepKeys: readonly string[]): Promise<void>
  update<T> (session: Session, change: (draft: SessionDraft) => T | Promise<T>): Promise<T | undefined>
}

/** What is known of a session beside its data. A class for speed: all states have one shape. */
export class SessionState {
  /** Null as long as nothing is stored. */
  sesid: string | null = null
  /** The text and version that this session was loaded from, or saved as. */
  text = ''
  version = ''
  /** Seconds, when this session has its own. */
  idleTimeout: number | undefined = undefined
  /** The same as it is stored. */
  storedIdleTimeout: number | undefined = undefined
  /** Ids that this session had: they are to be removed, or put away where their bytes are kept. */
  abandoned: Array<{ sesid: string, keep: boolean }> = []
  cookieOptions: SessionCookieOptions | undefined = undefined
  destroyed = false
  touched = false
  skipSave = false

  /** Nothing is stored, any more or yet. */
  forget (): void {
    this.sesid = null
    this.text = ''
    this.version = ''
    this.idleTimeout = undefined
    this.storedIdleTimeout = undefined
  }

  /** This is what is stored now. */
  remember (sesid: string, { text, version, idleTimeout }: Pick<StoredSession, 'text' | 'version' | 'idleTimeout'>): void {
    this.sesid = sesid
    this.text = text
    this.version = version
    this.idleTimeout = idleTimeout
    this.storedIdleTimeout = idleTimeout
  }
}

/** What only the session manager may see and do; not exported from the package. */
export let inside: {
  state: (session: Session) => SessionState
  /** Puts these data in place of the session's. */
  fill: (session: Session, data: PlainObject) => void
  /** Starts over with these data, of which nothing is stored. */
  begin: (session: Session, data: PlainObject) => void
}

/**
 * One visitor's session. Your data are its own properties: `session.user = …`. It has no id and
 * costs no file until there is something in it to store.
 *
 * The names of the members below cannot be used as properties; `set` and `get` take any name.
 */
export class Session {
  readonly #actions: SessionActions
  readonly #state: SessionState
  /** Data under names that members of this class have. */
  #hidden: PlainObject | undefined

  constructor (state: SessionState, data: PlainObject, actions: SessionActions) {
    this.#state = state
    this.#actions = actions
    this.#fill(data)
  }

  /** The session's id; `undefined` as long as nothing is stored. Treat it like a password. */
  get sessionId (): string | undefined {
    return this.#state.sesid ?? undefined
  }

  /** Whether nothing is stored of it yet. */
  get isNew (): boolean {
    return this.#state.sesid === null
  }

  /** The same as `isModified()`. */
  get changed (): boolean {
    return this.isModified()
  }

  /** Whether it was destroyed during this request, here or elsewhere. */
  get deleted (): boolean {
    return this.#state.destroyed
  }

  get<K extends string> (key: K): K extends keyof SessionData ? SessionData[K] | undefined : unknown {
    type Value = K extends keyof SessionData ? SessionData[K] | undefined : unknown
    const from = isMember(key) ? this.#hidden : this
    return (from !== undefined && Object.hasOwn(from, key) ? (from as PlainObject)[key] : undefined) as Value
  }

  set<K extends string> (key: K, value: K extends keyof SessionData ? SessionData[K] | undefined : unknown): void {
    if (isMember(key)) (this.#hidden ??= {})[key] = value
    else put(this, key, value)
  }

  /** A copy of all data, one level deep. */
  data (): SessionDraft {
    const data: PlainObject = { ...this.#hidden }
    for (const key of Object.keys(this)) put(data, key, (this as unknown as PlainObject)[key])
    return data as SessionDraft
  }

  /** Whether the data differ from what is stored. */
  isModified (): boolean {
    return this.#actions.isModified(this)
  }

  /** Whether the data are stored as they are. */
  isSaved (): boolean {
    return !this.isNew && !this.isModified()
  }

  /**
   * Stores the data now rather than at the end of the request. Changes that others stored in the
   * meantime are merged in. After `touch()` the idle time starts anew, too. @throws {SessionError}
   */
  save (): Promise<void>
  save (callback: Callback): void
  save (callback?: Callback): Promise<void> | undefined {
    return settle(this.#actions.save(this), callback)
  }

  /** Drops the changes made here and reads the session again. @throws {SessionError} */
  reload (): Promise<void>
  reload (callback: Callback): void
  reload (callback?: Callback): Promise<void> | undefined {
    return settle(this.#actions.reload(this), callback)
  }

  /**
   * Removes the session from the store and empties it. Data that are set afterwards make a new
   * session, with a new id. @throws {SessionError}
   */
  destroy (): Promise<void>
  destroy (callback: Callback): void
  destroy (callback?: Callback): Promise<void> | undefined {
    return settle(this.#actions.destroy(this), callback)
  }

  /** The same as `destroy`, at the end of the request. */
  delete (): void {
    if (this.#state.sesid !== null) this.#state.abandoned.push({ sesid: this.#state.sesid, keep: false })
    this.#begin({})
    this.#state.destroyed = true
  }

  /**
   * Gives the session a new id, and only the data named. The old id never works again. Do this
   * when a visitor logs in. @throws {SessionError}
   */
  regenerate (keepKeys?: readonly string[]): Promise<void>
  regenerate (callback: Callback): void
  regenerate (keepKeys: readonly string[] | undefined, callback: Callback): void
  regenerate (keepKeys?: readonly string[] | Callback, callback?: Callback): Promise<void> | undefined {
    if (typeof keepKeys === 'function') return settle(this.#actions.regenerate(this, []), keepKeys)
    return settle(this.#actions.regenerate(this, keepKeys ?? []), callback)
  }

  /**
   * Reads the newest data, lets `change` alter them, and stores them, again and again until nobody
   * came between: exact whatever other requests and processes do. `change` may run more than once,
   * so it should do nothing else. Unsaved changes of this request are kept, and stay unsaved.
   *
   * Answers what `change` returned; `undefined`, with nothing stored, when the session was
   * destroyed in the meantime. @throws {SessionError}, and whatever `change` throws
   */
  update<T> (change: (draft: SessionDraft) => T | Promise<T>): Promise<T | undefined> {
    return this.#actions.update(this, change)
  }

  /**
   * Starts the idle time anew at the end of the request, and sends a persistent cookie again. Where
   * no end comes, as with a WebSocket, `save()` starts it.
   */
  touch (): void {
    this.#state.touched = true
  }

  /**
   * Cookie options for this session. `maxAge` (seconds) makes the cookie persistent and lets the
   * session stay unused that long, from now on; the others count for this response.
   */
  options (options: SessionCookieOptions): void {
    const { maxAge } = options
    if (maxAge !== undefined) {
      if (!(Number.isFinite(maxAge) && maxAge > 0)) {
        throw new SessionError('SESSION_OPTION', 'session.options: maxAge must be a number of seconds above 0')
      }
      this.#state.idleTimeout = Math.ceil(maxAge)
    }
    this.#state.cookieOptions = { ...this.#state.cookieOptions, ...options }
  }

  /** Switches off that this request saves or touches the session at its end. `save()` still does. */
  skipSave (): void {
    this.#state.skipSave = true
  }

  #fill (data: PlainObject): void {
    for (const key of Object.keys(this)) delete (this as unknown as PlainObject)[key]
    this.#hidden = undefined
    for (const key of Object.keys(data)) this.set(key, data[key])
  }

  /** Starts over: nothing is stored of the session that has these data. */
  #begin (data: PlainObject): void {
    this.#state.forget()
    this.#fill(data)
  }

  static {
    inside = {
      state: session => session.#state,
      fill: (session, data) => { session.#fill(data) },
      begin: (session, data) => { session.#begin(data) }
    }
  }
}

const members = new Set(Object.getOwnPropertyNames(Session.prototype))
members.delete('constructor')

function isMember (key: string): boolean {
  return members.has(key)
}

// An assignment such as `session.data = …` would hide a method from everything that needs it.
for (const name of members) {
  const { value, get = () => value as unknown } = Object.getOwnPropertyDescriptor(Session.prototype, name) as PropertyDescriptor
  Object.defineProperty(Session.prototype, name, {
    get,
    set () {
      throw new SessionError('SESSION_NAME_TAKEN',
        `session.${name} is a member of the session: choose another name, or use session.set('${name}', …)`)
    }
  })
}
// Names that every object has are data like any other here.
Reflect.deleteProperty(Session.prototype, 'constructor')
Object.defineProperty(Session.prototype, '__proto__', {
  get: () => Session.prototype,
  set (this: object, value: unknown) { put(this, '__proto__', value) }
})
Object.freeze(Session.prototype)

function settle (promise: Promise<void>, callback?: Callback): Promise<void> | undefined {
  if (callback === undefined) return promise
  promise.then(() => { callback(null) }, callback)
  return undefined
}
