import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(scrypt)
const KEY_LENGTH = 32

/** Made up for this demo, and shown on the login page. A real app keeps salt and key in its database. */
export const demoPassword = 'correct horse'
const users = new Map()
for (const name of ['Ada', 'Grace']) {
  const salt = randomBytes(16)
  users.set(name.toLowerCase(), { name, salt, key: await derive(demoPassword, salt, KEY_LENGTH) })
}
const nobody = { name: '', salt: randomBytes(16), key: randomBytes(KEY_LENGTH) }

/** The user, or null. An unknown name takes as long as a wrong password, so neither can be told apart. */
export async function checkPassword (name, password) {
  const { salt, key, ...user } = users.get(name.trim().toLowerCase()) ?? nobody
  const isRight = timingSafeEqual(await derive(password, salt, KEY_LENGTH), key)
  return isRight ? user : null
}
