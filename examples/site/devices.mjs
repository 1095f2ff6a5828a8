import { requireFresh } from 'fastify-file-sessions'
import { confirmPage, devicesPage } from './pages.mjs'
import { checkPassword } from './users.mjs'

/** Seconds that a login counts as proof of who it is. */
const { FRESH = '600' } = process.env

/** A recent proof, for a visitor who is logged in; otherwise the page that asks for the password. */
export const recentLogin = requireFresh(Number(FRESH), {
  answer: (request, reply) => {
    if (request.session.user === undefined) return reply.redirect('/login', 303)
    return reply.redirect(`/confirm?next=${request.url.startsWith('/devices') ? '/devices' : '/cart'}`, 303)
  }
})

const next = { type: 'string', enum: ['/devices', '/cart'], default: '/cart' }
const confirmForm = { type: 'object', required: ['password'], properties: { password: { type: 'string', maxLength: 200 }, next } }
const deviceForm = { type: 'object', required: ['handle'], properties: { handle: { type: 'string', maxLength: 100 } } }

/** "My devices": every session of the visitor, and the ends of them. */
export async function devices (app) {
  app.get('/confirm', { schema: { querystring: { type: 'object', properties: { next } } } }, async (request, reply) =>
    reply.page('Your password', confirmPage({ next: request.query.next })))

  app.post('/confirm', { schema: { body: confirmForm } }, async (request, reply) => {
    const { session, body: { password, next } } = request
    if (session.user === undefined) return reply.redirect('/login', 303)
    if (await checkPassword(session.user.name, password) === null) {
      return reply.code(401).page('Your password', confirmPage({ next, failed: true }))
    }
    await session.authenticated()
    session.messages = ['Thank you, it is you. Please go on.']
    return reply.redirect(next, 303)
  })

  app.get('/devices', async (request, reply) => {
    const { user, handle } = request.session
    if (user === undefined) return reply.redirect('/login', 303)
    const found = []
    for await (const device of app.sessionStore.sessionsOf('user', user.name)) found.push(device)
    found.sort((one, other) => (other.handle === handle) - (one.handle === handle) || (other.lastUsed ?? 0) - (one.lastUsed ?? 0))
    return reply.page('My devices', devicesPage(found, handle))
  })

  app.post('/devices/end', { preHandler: recentLogin, schema: { body: deviceForm } }, async (request, reply) => {
    const { session, body: { handle } } = request
    // Only those of this visitor: a handle is no secret.
    for await (const device of app.sessionStore.sessionsOf('user', session.user.name)) {
      if (device.handle === handle) await app.sessionStore.revoke(handle)
    }
    session.messages = ['That device is logged out.']
    return reply.redirect('/devices', 303)
  })

  app.post('/devices/end-others', { preHandler: recentLogin }, async (request, reply) => {
    const { session } = request
    const count = await app.sessionStore.revokeAll('user', session.user.name, { except: session })
    session.messages = [count === 1 ? 'One other device is logged out.' : `${count} other devices are logged out.`]
    return reply.redirect('/devices', 303)
  })

  app.post('/devices/end-all', { preHandler: recentLogin }, async (request, reply) => {
    const { session } = request
    const { name } = session.user
    await session.destroy()
    await app.sessionStore.revokeAll('user', name)
    session.messages = ['You are logged out everywhere.']
    return reply.redirect('/', 303)
  })
}

/**
 * What the list shows of a device. Taken when it logs in, and when the password is asked for again; never logged.
 * The session may be older than the login: it began with the first thing in the cart.
 */
export function about ({ headers }) {
  return { agent: nameOf(headers['user-agent'] ?? ''), loggedIn: Date.now() }
}

function nameOf (agent) {
  const browser = [['Edg/', 'Edge'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari']].find(([word]) => agent.includes(word))
  const system = [['Android', 'Android'], ['iPhone', 'iPhone'], ['Windows', 'Windows'], ['Mac OS', 'Mac'], ['Linux', 'Linux']].find(([word]) => agent.includes(word))
  return `${browser?.[1] ?? 'A browser'}${system === undefined ? '' : ` on ${system[1]}`}`
}
