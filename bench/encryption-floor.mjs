/**
 * The least that encryption can cost a save: one call of Node's AES-256-GCM for a text as short as the benchmark's, under a key that is at hand.
 * Nothing of it is kept. Node has no cipher that could be used again, so each text takes a new one.
 */
import { createCipheriv, randomBytes, randomFillSync } from 'node:crypto'

const key = randomBytes(32)
/** As long as what is authenticated beside a session: heading, appid and storage name. */
const authenticated = randomBytes(64)
const text = 'x'.repeat(100)
const options = { authTagLength: 16 }
/** Random bytes are drawn for many nonces at once. */
const nonces = Buffer.alloc(4096 * 12)
let used = nonces.length

export function encryptOnce () {
  if (used === nonces.length) {
    randomFillSync(nonces)
    used = 0
  }
  const cipher = createCipheriv('aes-256-gcm', key, nonces.subarray(used, used += 12), options)
  cipher.setAAD(authenticated)
  cipher.update(text, 'utf8')
  cipher.final()
  cipher.getAuthTag()
}
