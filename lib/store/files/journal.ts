import { crc32 } from 'node:zlib'
import { randomText } from '../../random'

/**
 * The bytes of a session file: records, each with the whole text of the session, one after the
 * other. Nothing here touches a disk.
 *
 *     offset  bytes
 *          0      4  magic 'FFS1'
 *          4      4  CRC-32 of everything that follows, the text included
 *          8      4  length of the text in bytes
 *         12      4  the session's own idle timeout in seconds, 0 for the store's
 *         16      8  this record's id, random
 *         24      8  id of the record that it replaces, zeros for the first of a file
 *         32      6  when the session was made, milliseconds since 1970
 *         38      2  1 for a seal: after it nothing wins any more; otherwise 0
 *         40      …  the text, UTF-8
 *
 * Numbers are little-endian.
 */
export interface JournalRecord {
  /** Random: two writers with equal text must not be taken for one. */
  id: string
  text: string
  idleTimeout: number
  createdAt: number
  seal: boolean
}

/** What a reader made of a file's bytes, and where to go on when the file has grown. */
export interface Folded {
  /** The session as it stands; null when there is no whole record. */
  tip: JournalRecord | null
  /** Offset behind the last record that was read. */
  end: number
  /** Whether there are bytes that are no record: a torn append, or one still in flight. */
  torn: boolean
  /** Whether the record that was watched for became the tip, if only for a while. */
  won: boolean
}

export const HEADER_SIZE = 40
/** What the first record of a file names as its predecessor. */
export const NO_RECORD = '\0'.repeat(8)

const MAGIC = Buffer.from('FFS1', 'latin1')
const ID_SIZE = 8

/**
 * Folds bytes into what they say. `offset` is where `bytes` stands in its file and `tip` what the
 * file said before them.
 *
 * The first record in file order that names the current tip becomes the tip; every other record
 * is void. Bytes that are no record are stepped over, up to the next record that names the tip:
 * record ids are random and secret, so no text can hold a forgery of that. (Which is why nothing
 * is looked for before there is a tip: anyone could forge a first record.)
 */
export function fold (bytes: Buffer, offset = 0, tip: JournalRecord | null = null, watched?: string): Folded {
  let position = 0
  let end = 0
  let torn = false
  let won = false
  let searching = false
  while (position < bytes.length && tip?.seal !== true) {
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
      tip = decodeRecord(bytes, position, length)
      won ||= tip.id === watched
      searching = false
    }
    position += length
    end = position
  }
  return { tip, end: offset + end, torn, won }
}

/** The record's bytes, ready to be appended in one write. */
export function encodeRecord (record: JournalRecord, previous: string): Buffer {
  const textLength = Buffer.byteLength(record.text)
  const bytes = Buffer.allocUnsafe(HEADER_SIZE + textLength)
  MAGIC.copy(bytes)
  bytes.writeUInt32LE(textLength, 8)
  bytes.writeUInt32LE(record.idleTimeout, 12)
  bytes.write(record.id, 16, ID_SIZE, 'latin1')
  bytes.write(previous, 24, ID_SIZE, 'latin1')
  bytes.writeUIntLE(record.createdAt, 32, 6)
  bytes.writeUInt16LE(record.seal ? 1 : 0, 38)
  bytes.write(record.text, HEADER_SIZE, textLength, 'utf8')
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
  return bytes
}

/** A record id that nobody can guess and nobody else has: 64 random bits. */
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

function decodeRecord (bytes: Buffer, position: number, length: number): JournalRecord {
  return {
    id: bytes.toString('latin1', position + 16, position + 16 + ID_SIZE),
    text: bytes.toString('utf8', position + HEADER_SIZE, position + length),
    idleTimeout: bytes.readUInt32LE(position + 12),
    createdAt: bytes.readUIntLE(position + 32, 6),
    seal: bytes.readUInt16LE(position + 38) === 1
  }
}
