import { inspect } from 'node:util'
import type { SessionData } from '../../types/session-data'
import { SessionError } from '../errors'
import { check, isTime } from '../option-checks'
import { LONGEST_IDLE_TIMEOUT } from '../store/record-options'
import { sessionHandle } from '../store/session-id'
import type { SessionCookieOptions } from './cookie-options'
import type { PlainObject } from './plain-object'
import { protectMembers } from './protect-members'
import type { SessionActions } from './session-actions'
import { SessionProperties, type LoadedData } from './session-properties'

/** `request.session`, with your own properties: those of {@link SessionData}, or of another type for a second registration. */
export type RequestSession<Data extends object = SessionData> = Session<Data> & Partial<Data>

/** What `update` hands to its function: the newest data, to be changed in place. */
export type SessionDraft<Data extends object = SessionData> = Partial<Data>

/** The type of the data under a key: unknown for one that is not declared. */
type ValueOf<Data, Key> = Key extends keyof Data ? Data[Key] | undefined : unknown

type Callback = (error?: Error | null) => void

/** Returns the session's data, with what the package itself needs of them. Not exported from the package. */
export let propertiesOf: (session: Session) => SessionProperties

/**
 * One visitor's session. Your data are its own properties: `session.user = …`. It has no id and
 * costs no file until there is something in it to store.
 *
 * The names of the members below cannot be used as properties; `set` and `get` take any name.
 */
export class Session<Data extends object = PlainObject> {
  readonly #actions: SessionActions
  readonly #properties: SessionProperties

  constructor (actions: SessionActions, data: LoadedData) {
    this.#actions = actions
    this.#properties = new SessionProperties(this, members)
    this.#properties.fill(data)
  }

  /** The session's id; `undefined` as long as nothing is stored. Treat it like a password. */
  get sessionId (): string | undefined {
    return this.#actions.sesid ?? undefined
  }

  /**
   * The public name of the session, safe to show and to log: useless as an id. The store's `sessionsOf`
   * and `revoke` know it by this. `undefined` as long as nothing is stored; another one after `regenerate`.
   */
  get handle (): string | undefined {
    return this.#actions.name === '' ? undefined : sessionHandle(this.#actions.name)
  }

  /** Whether nothing is stored of it yet. */
  get isNew (): boolean {
    return this.#actions.sesid === null
  }

  /** The same as `isModified()`. */
  get changed (): boolean {
    return this.isModified()
  }

  /**
   * Whether it was ended during this request, here or elsewhere. If another request or process ended
   * it, this request stores nothing any more, unless it calls `destroy()` to begin a new session.
   */
  get deleted (): boolean {
    return this.#actions.isDeleted
  }

  /**
   * When the visitor last proved who he is, as `authenticated()` noted it, in milliseconds since 1970;
   * `undefined` when it never did. It is not a part of the data: nothing that is set or merged changes it.
   */
  get freshAt (): number | undefined {
    return this.#actions.freshAt
  }

  /**
   * Whether the visitor proved who he is no longer than `maxAge` seconds ago. A moment that lies more than
   * a minute ahead of this process's clock does not count. @throws {SessionError} SESSION_ARGUMENT
   */
  isFresh (maxAge: number): boolean {
    return this.#actions.isFresh(maxAge)
  }

  /** Returns what is stored under the key, which may be any name; `undefined` when there is nothing. */
  get<Key extends string> (key: Key): ValueOf<Data, Key> {
    return this.#properties.get(key) as ValueOf<Data, Key>
  }

  /** Puts the value under the key, as an assignment does. The key may be any name, that of a member of the session, too. */
  set<Key extends string> (key: Key, value: ValueOf<Data, Key>): void {
    this.#properties.set(key, value)
  }

  /** Returns a copy of all data, one level deep. */
  data (): Partial<Data> & PlainObject {
    return this.#properties.copy() as Partial<Data> & PlainObject
  }

  /** Whether the data differ from what is stored. */
  isModified (): boolean {
    return this.#actions.isModified()
  }

  /** Whether the data are stored as they are. */
  isSaved (): boolean {
    return !this.isNew && !this.isModified()
  }

  /**
   * Stores the data now rather than at the end of the request. Changes that other requests stored in
   * the meantime are merged in. After `touch()` the idle time starts anew, too. @throws {SessionError}
   */
  save (): Promise<void>
  save (callback: Callback): void
  save (callback?: Callback): Promise<void> | undefined {
    return settle(this.#actions.save(), callback)
  }

  /** Drops the changes made here and reads the session again. @throws {SessionError} */
  reload (): Promise<void>
  reload (callback: Callback): void
  reload (callback?: Callback): Promise<void> | undefined {
    return settle(this.#actions.reload(), callback)
  }

  /**
   * Removes the session from the store and empties it. Data that are set afterwards make a new
   * session, with a new id. @throws {SessionError}
   */
  destroy (): Promise<void>
  destroy (callback: Callback): void
  destroy (callback?: Callback): Promise<void> | undefined {
    return settle(this.#actions.destroy(), callback)
  }

  /**
   * The same as `destroy`, at the end of the request. Where no end comes, as with a WebSocket or
   * after the response, nothing is removed: call `destroy`.
   */
  delete (): void {
    this.#actions.delete()
  }

  /**
   * Gives the session a new id, and only the data named. The old id never works again. Do this
   * when the visitor's rights change; at a login call `authenticated`. The new session does not know when
   * the visitor proved who he is: `freshAt` is undefined. If another request ended or regenerated the session first, this one is
   * empty and `deleted`, and stores nothing any more. @throws {SessionError}
   */
  regenerate (keepKeys?: ReadonlyArray<keyof Data & string>): Promise<void>
  regenerate (callback: Callback): void
  regenerate (keepKeys: ReadonlyArray<keyof Data & string> | undefined, callback: Callback): void
  regenerate (keepKeys?: readonly string[] | Callback, callback?: Callback): Promise<void> | undefined {
    if (typeof keepKeys === 'function') return settle(this.#actions.regenerate([]), keepKeys)
    if (keepKeys !== undefined && !isListOfNames(keepKeys)) {
      throw wrongArgument("session.regenerate takes a list of the names to keep: await session.regenerate(['cart'])")
    }
    return settle(this.#actions.regenerate(keepKeys ?? []), callback)
  }

  /**
   * Notes that the visitor has just proved who he is, by a password or another factor, and gives the
   * session a new id, as `regenerate` does. Call it after every such proof: at a login, and when a password
   * is asked for again. The data stay; with `keepKeys` only those named do. @throws {SessionError}
   */
  authenticated (keepKeys?: ReadonlyArray<keyof Data & string>): Promise<void> {
    if (keepKeys !== undefined && !isListOfNames(keepKeys)) {
      throw wrongArgument("session.authenticated takes a list of the names to keep, or nothing to keep all: await session.authenticated(['cart'])")
    }
    return this.#actions.authenticated(keepKeys ?? null)
  }

  /**
   * Reads the newest data, lets `change` alter them, and stores them, again and again until no other
   * request came between: exact whatever other requests and processes do. `change` may run more than
   * once, so it should do nothing else. Unsaved changes of this request are kept, and stay unsaved.
   *
   * Updates of one session wait for each other within the process, so `change` must not wait for
   * another one.
   *
   * Returns what `change` returned; `undefined`, with nothing stored, when the session was ended in
   * the meantime. @throws {SessionError}, and whatever `change` throws
   */
  update<T> (change: (draft: Partial<Data>) => T | Promise<T>): Promise<T | undefined> {
    if (typeof change !== 'function') {
      throw wrongArgument('session.update takes a function: await session.update(draft => { draft.visits = 1 }). ' +
        'To set data without reading the newest ones assign them: session.visits = 1')
    }
    return this.#actions.update(draft => change(draft as Partial<Data>))
  }

  /**
   * Starts the idle time anew at the end of the request, and sends a persistent cookie again. Where
   * no end comes, as with a WebSocket, `save()` starts it.
   */
  touch (): void {
    this.#actions.touch()
  }

  /**
   * Sets cookie options for this session. `maxAge` (seconds) makes the cookie persistent and lets the
   * session stay unused that long, from now on; the others count for this response. Names that are not a cookie's are
   * left out: other plugins hand on all options that they were given.
   *
   * @throws {SessionError} SESSION_OPTION, for a value that the cookie cannot have; nothing is set then
   */
  options (options: Omit<SessionCookieOptions, 'signed'>): void {
    const { maxAge } = options
    check(maxAge === undefined || (isTime(maxAge) && maxAge <= LONGEST_IDLE_TIMEOUT), 'maxAge of session.options',
      `must be a number of seconds above 0, at most ${LONGEST_IDLE_TIMEOUT}`)
    this.#actions.options(options, maxAge === undefined ? undefined : Math.ceil(maxAge))
  }

  /** Switches off that this request saves or touches the session at its end. `save()` still does. */
  skipSave (): void {
    this.#actions.skipSave()
  }

  static {
    propertiesOf = session => session.#properties
    // The console and the debugger show values, and not where they come from. No caller needs to know of it.
    Object.defineProperty(Session.prototype, inspect.custom, {
      value (this: Session): Session {
        if (#properties in this) this.#properties.settle()
        return this
      }
    })
  }
}

const members = protectMembers(Session.prototype)

function isListOfNames (names: unknown): boolean {
  return Array.isArray(names) && names.every(name => typeof name === 'string')
}

function wrongArgument (message: string): SessionError {
  return new SessionError('SESSION_ARGUMENT', message)
}

function settle (promise: Promise<void>, callback?: Callback): Promise<void> | undefined {
  if (callback === undefined) return promise
  promise.then(() => { callback(null) }, callback)
  return undefined
}
