import { crc32 } from 'node:zlib'
import { SessionFileError } from '../../errors'
import { randomText } from '../../random'
import { isSealed } from '../sealed-text'
import { fits, patchBetween, patched, sameStart, type TextPatch } from '../text-patch'

/**
 * One record of a session file. The file is a sequence of records, each with the whole text of the
 * session or with what changed of it. Nothing in this module touches a disk.
 *
 *     offset  bytes
 *          0      4  magic 'FFS1'
 *          4      4  CRC-32 of everything that follows, the text included
 *          8      4  length of the text in bytes
 *         12      4  the session's own idle timeout in seconds, 0 for the store's
 *         16      8  this record's id, random
 *         24      8  id of the record that it replaces, zeros for the first of a file
 *         32      6  when the session was made, milliseconds since 1970
 *         38      1  flags: 1 for a seal, 2 for a tombstone; no record wins after either; 4 for a patch,
 *                    12 for a patch of an encrypted text
 *         39      1  format: 1
 *         40      …  the text, UTF-8; of a patch:
 *         40      4  so much of the text before is kept, in UTF-16 code units
 *         44      4  so much of its end is kept
 *         48      …  what stands between them now, UTF-8
 *
 * Numbers are little-endian. A record with another flag or another format is one of a newer version
 * of this package: see {@link fold}.
 */
export interface JournalRecord {
  /** Random: two writers with equal text must not be taken for one. */
  id: string
  text: string
  idleTimeout: number
  createdAt: number
  /** Whether this record ends its file: a new file that starts with the same record takes its place. */
  seal: boolean
  /** Whether this record is a tombstone: it ends the session, and has no text. */
  ended: boolean
  /** How many patches made its text of the last one that was written whole; 0: it was written whole itself. */
  patches: number
}

/** What a patch is made of. */
type PatchBase = Pick<JournalRecord, 'text' | 'patches'>

/** What a reader made of a file's bytes, and where to go on when the file has grown. */
export interface Folded {
  /** The session as it stands; null when there is no whole record. */
  tip: JournalRecord | null
  /** Offset behind the last record that was read. */
  end: number
  /**
   * Whether there are bytes that must not stay. They belong to no record: a torn append, or one still in
   * flight. Or they are a void record with plain text beside an encrypted session: a process that does
   * not encrypt was late.
   */
  torn: boolean
  /** Whether the record that was watched for became the tip, if only for a while. */
  won: boolean
}

/** The first bytes of everything that this package writes: of a record, and of what is written for trial. */
export const MAGIC = Buffer.from('FFS1', 'latin1')
export const HEADER_SIZE = 40
/** What the first record of a file names as its predecessor. */
export const NO_RECORD = '\0'.repeat(8)

const ID_SIZE = 8
const SEAL = 1
const ENDED = 2
/** A patch is neither a seal nor a tombstone. */
const PATCH = 4
/** A patch that makes an encrypted text, and so holds nothing plain. It tells so itself, for a void one is not read with the text before it. */
const ENCRYPTED_PATCH = PATCH | 8
const FORMAT = 1
/** The two lengths of a patch. */
const LENGTHS_SIZE = 8
/**
 * Code units that a reader copies at most for the patches between two whole texts; a patch copies all of the text. A file
 * holds up to eight whole texts, and without this bound ten thousands of patches of a text of a mebibyte.
 */
const MOST_COPIED = 16 * 1024 * 1024

/**
 * Folds bytes into what they say. `offset` is where `bytes` stands in its file and `tip` what the
 * file said before them.
 *
 * The first record in file order that names the current tip becomes the tip; every other record
 * is void. Bytes that belong to no record are stepped over, up to the next record that names the
 * tip: record ids are random and secret, so no text can hold a forgery of that. (Which is why
 * nothing is looked for before there is a tip: a text could hold a forgery of a first record.)
 *
 * If the record that was watched for became the tip and a newer version of this package has put
 * another on top of it, the bytes are folded up to that one.
 *
 * @throws {SessionFileError} when the tip was written by a newer version: what it says is unknown
 */
export function fold (bytes: Buffer, offset = 0, tip: JournalRecord | null = null, watched?: string): Folded {
  let position = 0
  let end = 0
  let torn = false
  let won = false
  let searching = false
  let beforeNewer: Folded | null = null
  while (position < bytes.length && (tip === null || !isLast(tip))) {
    const length = searching && !follows(bytes, position, tip) ? 0 : recordLength(bytes, position)
    if (length === 0) {
      torn = true
      if (tip === null) break
      searching = true
      position = bytes.indexOf(MAGIC, position + 1)
      if (position === -1) break
      continue
    }
    if (follows(bytes, position, tip)) {
      const next = decodeRecord(bytes, position, length, beforeNewer === null ? tip : null)
      if (next.isKnown) beforeNewer = null
      else beforeNewer ??= { tip, end: offset + end, torn, won }
      tip = next.record
      won ||= tip.id === watched
      searching = false
    } else if (tip !== null && isSealed(tip.text)) {
      torn ||= isPlain(bytes, position, length)
    }
    position += length
    end = position
  }
  if (beforeNewer === null) return { tip, end: offset + end, torn, won }
  if (beforeNewer.won) return beforeNewer
  throw new SessionFileError('the session was written by a newer version of fastify-file-sessions: update this process')
}

/** Whether no record wins after this one. */
export function isLast ({ seal, ended }: JournalRecord): boolean {
  return seal || ended
}

/**
 * The record's bytes, ready to be appended in one write. `before` is the record with the id `previous`:
 * if most of its text is kept, the record becomes a patch, which its `patches` tells. Left out: the whole text is written.
 */
export function encodeRecord (record: JournalRecord, previous: string, before?: PatchBase): Buffer {
  const patch = before === undefined ? null : usefulPatch(before, record)
  record.patches = before === undefined || patch === null ? 0 : before.patches + 1
  const text = patch === null ? record.text : patch.middle
  const start = patch === null ? HEADER_SIZE : HEADER_SIZE + LENGTHS_SIZE
  const textLength = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafe(start + textLength)
  MAGIC.copy(bytes)
  bytes.writeUInt32LE(bytes.length - HEADER_SIZE, 8)
  bytes.writeUInt32LE(record.idleTimeout, 12)
  bytes.write(record.id, 16, ID_SIZE, 'latin1')
  bytes.write(previous, 24, ID_SIZE, 'latin1')
  bytes.writeUIntLE(record.createdAt, 32, 6)
  bytes[38] = (record.seal ? SEAL : 0) | (record.ended ? ENDED : 0) | (patch === null ? 0 : isSealed(record.text) ? ENCRYPTED_PATCH : PATCH)
  bytes[39] = FORMAT
  if (patch !== null) {
    bytes.writeUInt32LE(patch.prefix, HEADER_SIZE)
    bytes.writeUInt32LE(patch.suffix, HEADER_SIZE + 4)
  }
  bytes.write(text, start, textLength, 'utf8')
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
  return bytes
}

/** Returns a new record id, which cannot be guessed: 64 random bits. */
export function newRecordId (): string {
  return randomText(ID_SIZE, 'latin1')
}

/** The length of the whole, undamaged record at `position`; 0 when there is none. */
function recordLength (bytes: Buffer, position: number): number {
  if (bytes.length - position < HEADER_SIZE) return 0
  if (MAGIC.compare(bytes, position, position + MAGIC.length) !== 0) return 0
  const length = HEADER_SIZE + bytes.readUInt32LE(position + 8)
  if (length > bytes.length - position) return 0
  const sum = crc32(bytes.subarray(position + 8, position + length))
  return sum === bytes.readUInt32LE(position + 4) ? length : 0
}

function follows (bytes: Buffer, position: number, tip: JournalRecord | null): boolean {
  return bytes.toString('latin1', position + 24, position + 24 + ID_SIZE) === (tip === null ? NO_RECORD : tip.id)
}

/** Whether a record holds plain text, or a piece of it. */
function isPlain (bytes: Buffer, position: number, length: number): boolean {
  if (length === HEADER_SIZE || bytes[position + 38] === ENCRYPTED_PATCH) return false
  return !isSealed(bytes.toString('latin1', position + HEADER_SIZE, position + length))
}

/** Returns the patch to write instead of the whole text; null when it would not be much shorter, or there were too many of them. */
function usefulPatch (before: PatchBase, { text, seal, ended }: JournalRecord): TextPatch | null {
  if (seal || ended || (before.patches + 1) * text.length > MOST_COPIED) return null
  const patch = isSealed(text) ? newEnd(before.text, text) : patchBetween(before.text, text)
  return patch.middle.length * 2 <= text.length ? patch : null
}

/** Returns the end that an encrypted text has instead of the one before. One that was encrypted anew has little in common with it. */
function newEnd (before: string, after: string): TextPatch {
  const prefix = sameStart(before, after)
  return { prefix, suffix: 0, middle: after.slice(prefix) }
}

/**
 * Returns the record, and whether it is known what it says: of a record of a newer version only the
 * id is what it seems. `before` is the record that it replaces; null: that one is not known, or there is none.
 */
function decodeRecord (
  bytes: Buffer, position: number, length: number, before: JournalRecord | null
): { record: JournalRecord, isKnown: boolean } {
  const flags = bytes.readUInt8(position + 38)
  const isPatch = flags === PATCH || flags === ENCRYPTED_PATCH
  const patch = isPatch ? decodePatch(bytes, position, length, before) : null
  const isKnown = bytes[position + 39] === FORMAT && (isPatch ? patch !== null : (flags & ~(SEAL | ENDED)) === 0)
  return {
    isKnown,
    record: {
      id: bytes.toString('latin1', position + 16, position + 16 + ID_SIZE),
      text: patch ?? bytes.toString('utf8', position + HEADER_SIZE, position + length),
      idleTimeout: bytes.readUInt32LE(position + 12),
      createdAt: bytes.readUIntLE(position + 32, 6),
      seal: isKnown && (flags & SEAL) !== 0,
      ended: isKnown && (flags & ENDED) !== 0,
      patches: before === null || patch === null ? 0 : before.patches + 1
    }
  }
}

/** Returns the text that the one before became; null when that is not known, or the patch does not fit it. */
function decodePatch (bytes: Buffer, position: number, length: number, before: JournalRecord | null): string | null {
  const start = HEADER_SIZE + LENGTHS_SIZE
  if (before === null || length < start) return null
  const patch = {
    prefix: bytes.readUInt32LE(position + HEADER_SIZE),
    suffix: bytes.readUInt32LE(position + HEADER_SIZE + 4),
    middle: bytes.toString('utf8', position + start, position + length)
  }
  return fits(before.text.length, patch) ? patched(before.text, patch) : null
}
