import { hkdfSync } from 'node:crypto'
import { decrypt, encrypt } from './aes-gcm'
import { decodeExactly } from './sealed-text'
import { storageName } from './session-id'

/**
 * What stands in place of a session that has moved to a new id by itself: a forwarding record. It holds
 * the new id and for how long the old one is answered, encrypted under a key that is made of the old id.
 * The storage name stands before it, so that the session can be ended by the handle that it had:
 *
 *     $ffs>1$<new storage name>$<base64url of nonce (12 bytes), ciphertext, tag (16 bytes)>
 *
 * - Key: HKDF-SHA-256 of the old id, without salt; info: purpose and appid.
 * - Authenticated data: heading, appid, a zero byte, storage name of the old id, new storage name.
 *
 * So no id is at rest, with the option `encryption` and without it. No text of a codec begins so.
 */
export const FORWARDING = '$ffs>1$'
const PREFIX = /^\$ffs>1\$([0-9a-f]{64})\$/
const KEY_SIZE = 32

/** Where a session has moved to. */
export interface Forwarding {
  /** The new id. */
  readonly sesid: string
  /** When the old id was renewed, in milliseconds since 1970 by the store's clock. */
  readonly since: number
  /** Milliseconds for which the old id names the new session. Requests under way may follow for longer. */
  readonly grace: number
}

/** Whether the text is a forwarding record, which is not a session. */
export function isForwarding (text: string): boolean {
  return text.startsWith(FORWARDING)
}

/** Returns the storage name of the session that the text forwards to, without a proof that it is right; null for any other text. */
export function forwardedName (text: string): string | null {
  return PREFIX.exec(text)?.[1] ?? null
}

/** Returns the text that forwards from this id. */
export function forwardingText (appid: string, from: string, { sesid, since, grace }: Forwarding): string {
  const name = storageName(appid, sesid)
  const encrypted = encrypt(keyOf(appid, from), `${Math.floor(since)} ${grace} ${sesid}`, authenticatedOf(appid, from, name))
  return `${FORWARDING}${name}$${encrypted}`
}

/** Returns where the text forwards to; null for any other text, and for one that was not made for this id. */
export function openForwarding (appid: string, from: string, text: string): Forwarding | null {
  const name = forwardedName(text)
  const bytes = name === null ? null : decodeExactly(text.slice(PREFIX.exec(text)?.[0].length))
  const plain = name === null || bytes === null ? null : decrypt(keyOf(appid, from), bytes, authenticatedOf(appid, from, name))
  if (plain === null) return null
  const [since, grace, ...sesid] = plain.toString('utf8').split(' ')
  return { sesid: sesid.join(' '), since: Number(since), grace: Number(grace) }
}

function keyOf (appid: string, from: string): Buffer {
  return Buffer.from(hkdfSync('sha256', from, '', `fastify-file-sessions forwarding key\0${appid}`, KEY_SIZE))
}

function authenticatedOf (appid: string, from: string, name: string): Buffer {
  return Buffer.from(`${FORWARDING}${appid}\0${storageName(appid, from)}${name}`)
}
