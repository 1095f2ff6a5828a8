import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { fileSessions } from 'fastify-file-sessions'
import { accounts } from './accounts.mjs'
import { about, devices } from './devices.mjs'
import { addForms } from './forms.mjs'
import { errorPage, homePage, layout, sessionPage } from './pages.mjs'
import { shop } from './shop.mjs'
import { openStore } from './store.mjs'

const { PORT = '3000', HOST = '127.0.0.1', LOG_LEVEL = 'warn', SESSION_STORE = './sessions' } = process.env
const store = await openStore(SESSION_STORE).catch(error => {
  console.error(`The shop cannot open: ${error.message || error.code}`)
  process.exit(1)
})
const style = readFileSync(new URL('./style.css', import.meta.url))

const app = Fastify({ logger: { level: LOG_LEVEL } })
addForms(app)
app.register(fileSessions, { ...store.options, indexes: { user: data => data.user?.name }, about })
app.addHook('onClose', () => store.close())

app.addHook('onRequest', async (_request, reply) => {
  reply.headers({
    'content-security-policy': "default-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin'
  })
})

/** Sends a page in its frame. Messages are shown once: the page that shows them takes them out of the session. */
app.decorateReply('page', function (title, content) {
  const { request } = this
  let visitor = null
  // Something may have failed before the session was loaded.
  if (request.sessionLoaded) {
    const { user, cart, messages = [] } = request.session
    delete request.session.messages
    visitor = { user, cart, messages }
  }
  // Pages are personal: after the logout the back button shall not show one again.
  this.header('cache-control', 'no-store').type('text/html; charset=utf-8')
  return this.send(layout({ title, path: request.url.split('?')[0], visitor, content }).toString())
})

app.get('/', async (request, reply) => {
  const { session } = request
  // A mere visit begins no session: it would cost every passer-by, and every robot, a cookie and a file.
  if (session.isNew) return reply.page('Home', homePage({ visits: 0 }))
  const visits = await session.update(draft => {
    draft.visits = (draft.visits ?? 0) + 1
    return draft.visits
  })
  return reply.page('Home', homePage({ visits: visits ?? 0, user: session.user }))
})

app.get('/session', async (request, reply) => reply.page('My session', sessionPage(request.session)))

app.get('/style.css', { config: { session: false } }, async (_request, reply) =>
  reply.type('text/css; charset=utf-8').header('cache-control', 'no-cache').send(style))

app.register(accounts)
app.register(devices)
app.register(shop)

app.setNotFoundHandler(async (_request, reply) =>
  reply.code(404).page('Not found', errorPage(404, 'Perhaps it was never there.')))

app.setErrorHandler(async (error, request, reply) => {
  const { statusCode = 500 } = error
  if (statusCode >= 500) request.log.error(error)
  const message = statusCode < 500 ? error.message : 'The fault is ours. Please try again.'
  return reply.code(statusCode).page('Error', errorPage(statusCode, message))
})

for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => { app.close() })

try {
  const address = await app.listen({ port: Number(PORT), host: HOST })
  console.log(`The shop is open at ${address} (sessions in ${store.name})`)
} catch (error) {
  console.error(`The shop cannot open: ${error.message}`)
  process.exitCode = 1
  await app.close()
}
