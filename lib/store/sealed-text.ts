import { SessionError } from '../errors'
import { bodyOf, isHeaded, LONGEST_HEADER } from './session-header'

/**
 * An encrypted session as text:
 *
 *     $ffs1$<key id>$<base64url of nonce (12 bytes), ciphertext, tag (16 bytes)>
 *
 * 1 is the number of the format. No JSON begins with `$`. The key id tells which of the server's
 * secrets it was encrypted with; `-`: with none. A header may stand before it: see `session-header.ts`.
 *
 * Parts may follow, each with what changed of the text before it. The last one may take the place of another:
 *
 *     .<bytes of the plain text that it makes>:<base64url of nonce, ciphertext, tag>
 */

/** What every encrypted text begins with, of whatever format. */
const MARK = '$ffs'
export const FORMAT = 1
export const NO_SECRET = '-'
export const NONCE_SIZE = 12
export const TAG_SIZE = 16
/** What each part begins with. */
export const PART = '.'
/** What stands between the size of a part's text and what is encrypted of it. */
export const SIZE_END = ':'
/** Characters that all parts of a text may have: some fifteen small ones. To open a part takes as long as to encrypt one. */
export const LONGEST_PARTS = 1024
const PART_SIZE = /^\.(\d{1,9}):/
const HEADING = /^\$ffs(\d{1,4})\$([\w-]{1,43})\$/

/** What can be said of a session's text without its id. */
export interface SealedText {
  /** The number of the format. */
  format: number
  /** The id of the secret that it was encrypted with; `-`: with none. '' when the text does not say. */
  keyId: string
}

/** Whether the text is an encrypted one, whole or damaged, behind a header or not. */
export function isSealed (text: string): boolean {
  return text.startsWith(MARK) || (isHeaded(text) && bodyOf(text).startsWith(MARK))
}

/** Whether a codec or a caller must not make this text, because it would be taken for one with a mark of ours. */
export function isReserved (text: string): boolean {
  return text.startsWith(MARK) || isHeaded(text)
}

/** Why a store cannot hand out the texts of all its sessions. */
export function cannotOpenAll (): SessionError {
  return new SessionError('SESSION_UNOPENED', 'sessions are encrypted under keys that are made of their ids, which no store knows: ' +
    'their texts cannot be listed. Read a session by its id')
}

/** Why a text cannot be stored that a codec or a caller made. */
export function takenForSealed (): SessionError {
  return new SessionError('SESSION_CODEC', `the text of a session must not begin with ${MARK} or $ffh: it would be taken for an encrypted one, ` +
    'or for one with a header')
}

/** Returns the format and the secret of an encrypted text; null for a text that is not encrypted. */
export function describeSealed (text: string): SealedText | null {
  if (!isSealed(text)) return null
  const [, format = '0', keyId = ''] = HEADING.exec(bodyOf(text)) ?? []
  return { format: Number(format), keyId }
}

/** Returns what a text of this format and this secret begins with. */
export function headingOf (keyId: string): string {
  return `${MARK}${FORMAT}$${keyId}$`
}

/** Returns the bytes that the plain text has, or had before it was encrypted, without a header. */
export function plainSize (text: string): number {
  const body = bodyOf(text)
  if (!isSealed(body)) return Buffer.byteLength(body)
  const part = body.lastIndexOf(PART)
  if (part !== -1) return Number(PART_SIZE.exec(body.slice(part))?.[1] ?? 0)
  const [heading = ''] = HEADING.exec(body) ?? []
  return Math.max(Math.floor((body.length - heading.length) * 3 / 4) - NONCE_SIZE - TAG_SIZE, 0)
}

/** Returns the most bytes that a text of so many bytes has when it is stored, with a header. */
export function storedSize (plainSize: number, isEncrypted: boolean): number {
  return LONGEST_HEADER + (isEncrypted ? sealedSize(plainSize) : plainSize)
}

/** Returns the most bytes that a text of so many bytes has when it is encrypted. */
function sealedSize (plainSize: number): number {
  return headingOf('x'.repeat(43)).length + Math.ceil((plainSize + NONCE_SIZE + TAG_SIZE) * 4 / 3) + LONGEST_PARTS
}

/**
 * Returns the bytes that base64url stands for; null for a text that is not exactly what these bytes
 * are encoded to. Node would step over what is not base64url.
 */
export function decodeExactly (base64url: string): Buffer | null {
  const bytes = Buffer.from(base64url, 'base64url')
  const rest = base64url.length % 4
  if (rest === 1 || bytes.length !== Math.floor(base64url.length * 3 / 4)) return null
  // Node takes of other characters the low byte alone.
  if (base64url.includes('+') || base64url.includes('/') || Buffer.byteLength(base64url) !== base64url.length) return null
  if (rest === 0) return bytes
  // The last character has bits that stand for nothing.
  const last = bytes.subarray(bytes.length - rest + 1).toString('base64url')
  return base64url.endsWith(last) ? bytes : null
}
