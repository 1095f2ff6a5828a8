import { SessionError } from '../errors'
import { check } from '../option-checks'
import { isPlainObject, type PlainObject } from './plain-object'

/** How session data becomes text and back. `decode(encode(data))` must equal `data`. */
export interface SessionCodec {
  encode: (data: Record<string, unknown>) => string
  /** May throw: the session is then set aside, and the visitor gets a new one. */
  decode: (text: string) => Record<string, unknown>
}

export const JSON_CODEC: SessionCodec = {
  encode: data => JSON.stringify(data),
  decode: text => JSON.parse(text) as Record<string, unknown>
}

/** @throws {SessionError} */
export function checkCodec (codec: SessionCodec): void {
  check(typeof codec?.encode === 'function' && typeof codec.decode === 'function', 'codec',
    'must have the functions encode and decode')
}

/** Returns the data as text. @throws {SessionError} SESSION_CODEC; the error does not quote the data */
export function encode (codec: SessionCodec, data: PlainObject): string {
  let reason = 'codec.encode must return a string'
  try {
    const text: unknown = codec.encode(data)
    if (typeof text === 'string') return text
  } catch (error) {
    // The error is not a cause either: it may quote the data.
    reason = `${nameOf(error)}: is there something in it that the codec cannot store, such as a circle or a BigInt?`
  }
  throw new SessionError('SESSION_CODEC', `the session cannot be encoded (${reason})`)
}

/** Returns the data of the text. @throws {SessionError} SESSION_UNDECODABLE; the error does not quote the text */
export function decode (codec: SessionCodec, text: string): PlainObject {
  // A session that newSession made and that has no data yet.
  if (text === '') return {}
  let reason = 'it is not an object'
  try {
    const data: unknown = codec.decode(text)
    if (isPlainObject(data)) return data
  } catch (error) {
    // The error is not a cause either: parsers quote the text, and causes are logged.
    reason = nameOf(error)
  }
  throw new SessionError('SESSION_UNDECODABLE',
    `the stored session cannot be decoded (${reason}): was it written with another codec?`)
}

function nameOf (error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
