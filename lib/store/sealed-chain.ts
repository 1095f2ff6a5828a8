import { decrypt, encrypt } from './aes-gcm'
import { decodeExactly, LONGEST_PARTS, NONCE_SIZE, PART, SIZE_END, TAG_SIZE } from './sealed-text'
import { fits, patchBetween, patched } from './text-patch'

/** What stands before the new text of a part: two lengths, and how many saves there were. */
const PART_HEADER_SIZE = 9
/** Characters of base64url that hold a tag, wherever in the bytes it begins. */
const TAG_LENGTH = Math.ceil(TAG_SIZE * 4 / 3)
/** Characters. A shorter text is encrypted as a whole in less time than what changed of it is looked for. */
export const SHORTEST_CHAIN = 384
/** Characters. The last part is replaced by one that says more, up to this length; then another one follows it. */
const LONGEST_REPLACED = 256
/** Saves in a row that make parts: what was removed from a session leaves its encrypted text after these. */
export const MOST_SAVES = 100

/** One session's key, and what is authenticated beside its text. */
export interface CipherKey {
  /** Names the secret that the key was made with. */
  readonly keyId: string
  readonly key: Buffer
  readonly authenticated: Buffer
}

/** An encrypted text as it is stored, behind a header or not. */
export interface Chain {
  readonly stored: string
  /** What stands before the heading, with its newline. */
  readonly head: string
  /** Where the heading ends. */
  readonly start: number
}

/** An encrypted text, and what is known of it by a process that has encrypted or opened it. */
export interface OpenedChain {
  readonly stored: string
  readonly plain: string
  /** Where the last part begins; of a text without parts: where it ends. */
  readonly from: number
  /** What the plain text was without the last part. */
  readonly before: string
  /** Saves that made parts since the text was encrypted as a whole. */
  readonly saves: number
}

/** What a part says: what it makes of the text before it, and how many saves there were. */
type Part = Pick<OpenedChain, 'plain' | 'saves'>

/** Encrypts a text as a whole. */
export function sealWhole ({ key, authenticated }: CipherKey, text: string, head: string, heading: string): OpenedChain {
  const stored = head + heading + encrypt(key, text, authenticatedWith(authenticated, head))
  return { stored, plain: text, from: stored.length, before: text, saves: 0 }
}

/**
 * Returns the chain with a part that makes its text `after`: in place of its last part, if that is
 * short. Null when the text had better be encrypted as a whole: there were many saves, there are many
 * parts, or the change is large. `known` is what is known of the chain.
 */
export function sealPart (key: CipherKey, chain: Chain, known: OpenedChain, after: string): OpenedChain | null {
  const { from, before, plain, saves, stored } = known
  if (saves >= MOST_SAVES) return null
  const next = { plain: after, saves: saves + 1 }
  if (from === stored.length) return withPart(key, chain, from, before, next, LONGEST_PARTS)
  return withPart(key, chain, from, before, next, LONGEST_REPLACED) ?? withPart(key, chain, stored.length, plain, next, LONGEST_PARTS)
}

/** Returns the chain with this part at that place, where its plain text is `before`; null when the part would be too long. */
function withPart (
  { key, authenticated }: CipherKey, chain: Chain, from: number, before: string, { plain, saves }: Part, longest: number
): OpenedChain | null {
  const { stored, start } = chain
  const wholeEnd = endOfPart(stored, start)
  const room = Math.min(longest, Math.min(LONGEST_PARTS, (wholeEnd - start) / 2) - (from - wholeEnd))
  const { prefix, suffix, middle } = patchBetween(before, plain)
  const bytes = Buffer.allocUnsafe(PART_HEADER_SIZE + Buffer.byteLength(middle))
  const size = Buffer.byteLength(plain)
  const mark = `${PART}${size}${SIZE_END}`
  const length = mark.length + base64Length(NONCE_SIZE + bytes.length + TAG_SIZE)
  if (length > room || from + length > 2 * base64Length(size)) return null
  bytes.writeUInt32LE(prefix, 0)
  bytes.writeUInt32LE(suffix, 4)
  bytes[8] = saves
  bytes.write(middle, PART_HEADER_SIZE)
  const part = mark + encrypt(key, bytes, authenticatedOf(authenticated, chain, from, mark))
  return { stored: stored.slice(0, from) + part, plain, from, before, saves }
}

/** Returns what a chain says; null when any of it does not open. `known` is what was known of an earlier one of the session. */
export function openChain (key: CipherKey, chain: Chain, known?: OpenedChain): OpenedChain | null {
  const { stored } = chain
  const start = knownStart(stored, known) ?? openWhole(key, chain)
  if (start === null) return null
  let { from, before, plain, saves } = { ...start, before: start.plain, saves: 0 }
  for (let end = from; end < stored.length;) {
    const next = endOfPart(stored, end + 1)
    const part = openPart(key, chain, end, next, plain)
    if (part === null) return null
    before = plain
    from = end
    end = next
    plain = part.plain
    saves = part.saves
  }
  return { stored, plain, from, before, saves }
}

/** Returns the plain text of a piece of the chain that is known, and where the first part begins that is not; null: none is known. */
function knownStart (stored: string, known?: OpenedChain): { plain: string, from: number } | null {
  if (known === undefined) return null
  for (const { plain, from } of [{ plain: known.plain, from: known.stored.length }, { plain: known.before, from: known.from }]) {
    if (stored[from] === PART && stored.slice(0, from) === known.stored.slice(0, from)) return { plain, from }
  }
  return null
}

function openWhole ({ key, authenticated }: CipherKey, { stored, head, start }: Chain): { plain: string, from: number } | null {
  const from = endOfPart(stored, start)
  const bytes = decodeExactly(stored.slice(start, from))
  const plain = bytes === null ? null : decrypt(key, bytes, authenticatedWith(authenticated, head))
  return plain === null ? null : { plain: plain.toString('utf8'), from }
}

/** Returns what the part between these two places says. */
function openPart ({ key, authenticated }: CipherKey, chain: Chain, from: number, to: number, before: string): Part | null {
  const part = chain.stored.slice(from, to)
  const mark = part.slice(0, part.indexOf(SIZE_END) + 1)
  const encrypted = decodeExactly(part.slice(mark.length))
  const bytes = encrypted === null ? null : decrypt(key, encrypted, authenticatedOf(authenticated, chain, from, mark))
  if (bytes === null || bytes.length < PART_HEADER_SIZE) return null
  const patch = { prefix: bytes.readUInt32LE(0), suffix: bytes.readUInt32LE(4), middle: bytes.toString('utf8', PART_HEADER_SIZE) }
  return fits(before.length, patch) ? { plain: patched(before, patch), saves: bytes.readUInt8(8) } : null
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
