import { createCipheriv, createDecipheriv } from 'node:crypto'
import { fillRandom } from '../random'
import { NONCE_SIZE, TAG_SIZE } from './sealed-text'

const ALGORITHM = 'aes-256-gcm'
/** Bytes: what encrypted bytes have beside the text. */
export const LEAST_SIZE = NONCE_SIZE + TAG_SIZE

/** Returns nonce, encrypted text and tag. */
export function encryptText (key: Uint8Array, text: string, authenticated?: Uint8Array): Buffer {
  const nonce = Buffer.alloc(NONCE_SIZE)
  fillRandom(nonce, NONCE_SIZE)
  const cipher = createCipheriv(ALGORITHM, key, nonce)
  if (authenticated !== undefined) cipher.setAAD(authenticated)
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
}

/** Returns the text; null for bytes that were not encrypted so. */
export function decryptText (key: Uint8Array, bytes: Buffer, authenticated?: Uint8Array): string | null {
  if (bytes.length < LEAST_SIZE) return null
  const end = bytes.length - TAG_SIZE
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_SIZE), { authTagLength: TAG_SIZE })
  if (authenticated !== undefined) decipher.setAAD(authenticated)
  decipher.setAuthTag(bytes.subarray(end))
  const plain = decipher.update(bytes.subarray(NONCE_SIZE, end))
  try {
    decipher.final()
  } catch {
    return null
  }
  return plain.toString('utf8')
}
