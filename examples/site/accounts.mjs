import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { loginPage } from './pages.mjs'

const derive = promisify(scrypt)
const KEY_LENGTH = 32
const REMEMBERED = 30 * 24 * 60 * 60

/** Made up for this demo, and shown on the login page. A real app keeps salt and key in its database. */
const demoPassword = 'correct horse'
const users = new Map()
for (const name of ['Ada', 'Grace']) {
  const salt = randomBytes(16)
  users.set(name.toLowerCase(), { name, salt, key: await derive(demoPassword, salt, KEY_LENGTH) })
}
const nobody = { name: '', salt: randomBytes(16), key: randomBytes(KEY_LENGTH) }

const loginForm = {
  type: 'object',
  required: ['name', 'password'],
  properties: {
    name: { type: 'string', maxLength: 100 },
    password: { type: 'string', maxLength: 200 },
    remember: { type: 'string' }
  }
}

export async function accounts (app) {
  app.get('/login', async (_request, reply) => reply.page('Log in', loginPage({ demoPassword })))

  app.post('/login', { schema: { body: loginForm } }, async (request, reply) => {
    const { name, password, remember } = request.body
    const user = await checkPassword(name, password)
    if (user === null) return reply.code(401).page('Log in', loginPage({ demoPassword, name, failed: true }))

    const { session } = request
    // A new id, so that one which somebody else planted or saw before the login is worth nothing.
    await session.regenerate(['cart', 'visits'])
    session.user = { name: user.name }
    session.since = Date.now()
    session.remembered = remember !== undefined
    // A cookie that outlives the browser, and a session that may lie unused as long.
    if (session.remembered) session.options({ maxAge: REMEMBERED })
    session.messages = [`Welcome, ${user.name}.`]
    return reply.redirect('/', 303)
  })

  app.post('/logout', async (request, reply) => {
    const { session } = request
    await session.destroy()
    // What is set after destroy() begins a new session, with a new id.
    session.messages = ['You are logged out.']
    return reply.redirect('/', 303)
  })
}

/** The user, or null. An unknown name takes as long as a wrong password, so neither can be told apart. */
async function checkPassword (name, password) {
  const { salt, key, ...user } = users.get(name.trim().toLowerCase()) ?? nobody
  const isRight = timingSafeEqual(await derive(password, salt, KEY_LENGTH), key)
  return isRight ? user : null
}
