import { createCipheriv, createDecipheriv } from 'node:crypto'
import { fillRandom } from '../random'
import { NONCE_SIZE, TAG_SIZE } from './sealed-text'

const ALGORITHM = 'aes-256-gcm'
const OPTIONS = { authTagLength: TAG_SIZE }
/** Bytes: what encrypted bytes have beside the text. */
const LEAST_SIZE = NONCE_SIZE + TAG_SIZE
/** Where encrypted bytes of a usual size are put together: memory of their own costs more than to encrypt them. */
const workspace = Buffer.allocUnsafeSlow(64 * 1024)
/** Filled anew for each text. */
const nonce = workspace.subarray(0, NONCE_SIZE)

/** Returns base64url of nonce, encrypted text and tag. */
export function encrypt (key: Uint8Array, plain: string | Uint8Array, authenticated?: Uint8Array): string {
  fillRandom(nonce, NONCE_SIZE)
  const cipher = createCipheriv(ALGORITHM, key, nonce, OPTIONS)
  if (authenticated !== undefined) cipher.setAAD(authenticated)
  const encrypted = typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain)
  cipher.final()
  const size = encrypted.length + LEAST_SIZE
  let bytes = workspace
  if (size > workspace.length) {
    bytes = Buffer.allocUnsafe(size)
    nonce.copy(bytes)
  }
  encrypted.copy(bytes, NONCE_SIZE)
  cipher.getAuthTag().copy(bytes, size - TAG_SIZE)
  return bytes.toString('base64url', 0, size)
}

/** Returns what was encrypted; null for bytes that were not encrypted so. */
export function decrypt (key: Uint8Array, bytes: Buffer, authenticated?: Uint8Array): Buffer | null {
  if (bytes.length < LEAST_SIZE) return null
  const end = bytes.length - TAG_SIZE
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_SIZE), OPTIONS)
  if (authenticated !== undefined) decipher.setAAD(authenticated)
  decipher.setAuthTag(bytes.subarray(end))
  const plain = decipher.update(bytes.subarray(NONCE_SIZE, end))
  try {
    decipher.final()
  } catch {
    return null
  }
  return plain
}
