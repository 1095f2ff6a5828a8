import { decrypt, encrypt } from './aes-gcm'
import type { CipherKey } from './key-memory'
import { decodeExactly, LONGEST_PARTS, NONCE_SIZE, PART, SIZE_END, TAG_SIZE } from './sealed-text'
import { fits, patchBetween, patched } from './text-patch'

/** The two lengths of a patch. */
const LENGTHS_SIZE = 8
/** So many characters of base64url hold a tag, wherever in the bytes it begins. */
const TAG_LENGTH = Math.ceil(TAG_SIZE * 4 / 3)
/** Characters. A shorter text is encrypted as a whole in less time than what changed of it is looked for. */
export const SHORTEST_CHAIN = 384

/** An encrypted text as it is stored, behind a header or not. */
export interface Chain {
  readonly stored: string
  /** What stands before the heading, with its newline. */
  readonly head: string
  /** Where the heading ends. */
  readonly start: number
}

/** Encrypts a text as a whole. Returns what follows the heading. */
export function sealWhole ({ key, authenticated }: CipherKey, text: string, head: string): string {
  return encrypt(key, text, authenticatedWith(authenticated, head))
}

/**
 * Returns the part that makes the chain, which has the plain text `before`, one of the text `after`;
 * null when that had better be encrypted as a whole: there are many parts, or the change is large.
 */
export function sealPart ({ key, authenticated }: CipherKey, chain: Chain, before: string, after: string): string | null {
  const { stored, start } = chain
  const wholeEnd = endOfPart(stored, start)
  const room = Math.min(LONGEST_PARTS, (wholeEnd - start) / 2) - (stored.length - wholeEnd)
  const { prefix, suffix, middle } = patchBetween(before, after)
  const bytes = Buffer.allocUnsafe(LENGTHS_SIZE + Buffer.byteLength(middle))
  const size = Buffer.byteLength(after)
  const mark = `${PART}${size}${SIZE_END}`
  const length = mark.length + base64Length(NONCE_SIZE + bytes.length + TAG_SIZE)
  if (length > room || stored.length + length > 2 * base64Length(size)) return null
  bytes.writeUInt32LE(prefix, 0)
  bytes.writeUInt32LE(suffix, 4)
  bytes.write(middle, LENGTHS_SIZE)
  return mark + encrypt(key, bytes, authenticatedOf(authenticated, chain, stored.length, mark))
}

/** Returns the plain text of a chain; null when any of it does not open. `known` is the plain text of a chain that this one begins with. */
export function openChain (key: CipherKey, chain: Chain, known?: { sealed: string, plain: string }): string | null {
  const { stored } = chain
  let end = known?.sealed.length ?? endOfPart(stored, chain.start)
  let plain = known?.plain ?? openWhole(key, chain, end)
  while (plain !== null && end < stored.length) {
    const next = endOfPart(stored, end + 1)
    plain = openPart(key, chain, end, next, plain)
    end = next
  }
  return plain
}

function openWhole ({ key, authenticated }: CipherKey, { stored, head, start }: Chain, end: number): string | null {
  const bytes = decodeExactly(stored.slice(start, end))
  const plain = bytes === null ? null : decrypt(key, bytes, authenticatedWith(authenticated, head))
  return plain === null ? null : plain.toString('utf8')
}

/** Returns what the plain text before became by the part between these two places. */
function openPart ({ key, authenticated }: CipherKey, chain: Chain, from: number, to: number, before: string): string | null {
  const part = chain.stored.slice(from, to)
  const mark = part.slice(0, part.indexOf(SIZE_END) + 1)
  const encrypted = decodeExactly(part.slice(mark.length))
  const bytes = encrypted === null ? null : decrypt(key, encrypted, authenticatedOf(authenticated, chain, from, mark))
  if (bytes === null || bytes.length < LENGTHS_SIZE) return null
  const patch = { prefix: bytes.readUInt32LE(0), suffix: bytes.readUInt32LE(4), middle: bytes.toString('utf8', LENGTHS_SIZE) }
  return fits(before.length, patch) ? patched(before, patch) : null
}

/** What is authenticated beside a part: what the whole is, the tag of what stands before it, and its own size. */
function authenticatedOf (authenticated: Buffer, { stored, head }: Chain, end: number, mark: string): Buffer {
  return authenticatedWith(authenticated, head + stored.slice(end - TAG_LENGTH, end) + mark)
}

function authenticatedWith (authenticated: Buffer, more: string): Buffer {
  return more === '' ? authenticated : Buffer.concat([authenticated, Buffer.from(more)])
}

/** Returns where the whole, or the part, ends that has this place in it. */
function endOfPart (stored: string, place: number): number {
  const end = stored.indexOf(PART, place)
  return end === -1 ? stored.length : end
}

function base64Length (bytes: number): number {
  return Math.ceil(bytes * 4 / 3)
}
