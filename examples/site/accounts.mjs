import { loginPage } from './pages.mjs'
import { checkPassword, demoPassword } from './users.mjs'

const REMEMBERED = 30 * 24 * 60 * 60

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
    // A new id, so that one which a stranger planted or saw before the login is worth nothing.
    await session.authenticated(['cart', 'visits'])
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
