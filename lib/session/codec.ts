import { SessionError } from '../errors'
import { check } from '../option-checks'
import { LazyData } from './lazy-data'
import { isPlainObject, type PlainObject } from './plain-object'
import { isSame } from './same'
import { propertiesOf, type Session } from './session'
import type { LoadedData } from './session-properties'
import { SlicedTexts } from './sliced-texts'

/** How session data become text and back. `decode(encode(data))` must equal `data`. */
export interface SessionCodec {
  encode: (data: Record<string, unknown>) => string
  /** May throw: the session is then set aside, and the visitor gets a new one. */
  decode: (text: string) => Record<string, unknown>
}

export const JSON_CODEC: SessionCodec = {
  encode: data => JSON.stringify(data),
  decode: text => JSON.parse(text) as Record<string, unknown>
}

/** @throws {SessionError} SESSION_OPTION */
export function checkCodec (codec: SessionCodec): void {
  check(typeof codec?.encode === 'function' && typeof codec.decode === 'function', 'codec',
    'must have the functions encode and decode')
}

/**
 * Returns the text of these data. No error quotes them, and none has a cause, because a codec's
 * error may quote them and causes are logged.
 *
 * @throws {SessionError} SESSION_CODEC
 */
export function encode (codec: SessionCodec, data: PlainObject): string {
  const text: unknown = encoding(() => codec.encode(data))
  if (typeof text === 'string') return text
  throw unencodable('codec.encode must return a string')
}

function encoding<T> (encode: () => T): T {
  try {
    return encode()
  } catch (error) {
    throw unencodable(`${kindOf(error)}: is there something in it that the codec cannot store, such as a circle or a BigInt?`)
  }
}

function unencodable (reason: string): SessionError {
  return new SessionError('SESSION_CODEC', `the session cannot be encoded (${reason})`)
}

/**
 * Returns the data of this text; none for `''`, which is a session that `newSession` made and no
 * request has filled. No error quotes the text.
 *
 * @throws {SessionError} SESSION_UNDECODABLE
 */
export function decode (codec: SessionCodec, text: string): PlainObject {
  if (text === '') return {}
  let reason = 'it is not an object'
  try {
    const data: unknown = codec.decode(text)
    if (isPlainObject(data)) return data
  } catch (error) {
    reason = kindOf(error)
  }
  throw new SessionError('SESSION_UNDECODABLE',
    `the stored session cannot be decoded (${reason}): was it written with another codec?`)
}

/** Data that are changed, and then stored. */
export interface Draft {
  readonly data: PlainObject
  /** Returns the text of the data. @throws {SessionError} SESSION_CODEC */
  print: () => string
}

/** The texts of one codec, and whether two of them say the same. */
export class SessionText {
  /** The text of a session without data. */
  readonly empty: string
  readonly #codec: SessionCodec
  /** Whether the codec makes the same text of the same data. One that encrypts does not. */
  readonly #repeats: boolean
  /** Of JSON only the parts are parsed and printed that were used. */
  readonly #sliced: SlicedTexts | null

  /** @throws {SessionError} SESSION_CODEC, when the codec does not make text */
  constructor (codec: SessionCodec) {
    this.#codec = codec
    this.empty = this.encode({})
    this.#repeats = this.encode({}) === this.empty
    this.#sliced = codec === JSON_CODEC ? new SlicedTexts() : null
  }

  /** Returns the data of the stored text of the session with this name, to fill it with. @throws {SessionError} SESSION_UNDECODABLE */
  load (name: string, text: string): LoadedData {
    return this.#sliced?.of(name, text) ?? this.decode(text)
  }

  /** Returns the text of a session's data. The name is that of the session; `''`: it has none yet. @throws {SessionError} SESSION_CODEC */
  print (name: string, session: Session): string {
    return this.#printed(name, { print: () => propertiesOf(session).slices() }) ?? this.encode(session.data())
  }

  /** Returns the data of this text for a caller that changes them. @throws {SessionError} SESSION_UNDECODABLE */
  draft (name: string, text: string): Draft {
    const sliced = this.#sliced
    const slices = sliced?.of(name, text) ?? null
    const { data, lazy } = slices === null ? { data: this.decode(text), lazy: null } : LazyData.draft(slices)
    return { data, print: () => this.#printed(name, lazy) ?? this.encode(data) }
  }

  #printed (name: string, lazy: Pick<LazyData, 'print'> | null): string | null {
    const slices = lazy === null ? null : encoding(() => lazy.print())
    if (slices !== null) this.#sliced?.remember(name, slices)
    return slices?.text ?? null
  }

  /** @see encode */
  encode (data: PlainObject): string {
    return encode(this.#codec, data)
  }

  /** @see decode */
  decode (text: string): PlainObject {
    return decode(this.#codec, text)
  }

  /** Whether both texts have the same data. */
  isSame (text: string, other: string): boolean {
    return text === other || (!this.#repeats && isSame(this.decode(text), this.decode(other)))
  }
}

function kindOf (error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
