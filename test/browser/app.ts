import formbody from '@fastify/formbody'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { readFileSync } from 'node:fs'
import fileSessions, { type FileSessionsOptions } from '../../index'
import '../ecosystem/session-data'

/** What the site process is started with. */
export interface SiteOptions {
  port: number
  sessions: FileSessionsOptions
  /** Paths of a key and a certificate, for https. */
  tls?: { key: string, cert: string }
}

const THIRTY_DAYS = 30 * 24 * 3600

/** A site to be looked at by a real browser. It runs in a process of its own, so that it can be killed. */
async function serve ({ port, sessions, tls }: SiteOptions): Promise<void> {
  const app = (tls === undefined
    ? Fastify()
    : Fastify({ https: { key: readFileSync(tls.key), cert: readFileSync(tls.cert) } })) as FastifyInstance
  await app.register(formbody)
  await app.register(fileSessions, sessions)
  addPages(app)
  await app.listen({ port, host: '127.0.0.1' })
  process.send?.('listening')
}

function addPages (app: FastifyInstance): void {
  app.get('/', async (request, reply) => {
    const { userName, counter = 0 } = request.session
    return reply.type('text/html').send(page('Home', userName === undefined
      ? `<h1>Not logged in</h1>
        <form method="post" action="/login">
          <label>Name <input name="name" required></label>
          <label><input type="checkbox" name="remember"> Remember me</label>
          <button>Log in</button>
        </form>`
      : `<h1>Hello ${userName}</h1>
        <p>Counter: <output>${counter}</output></p>
        <form method="post" action="/count"><button>Count</button></form>
        <form method="post" action="/logout"><button>Log out</button></form>
        <a href="/account">Account</a>`))
  })

  app.post<{ Body: { name: string, remember?: string } }>('/login', async (request, reply) => {
    await request.session.regenerate()
    request.session.userName = request.body.name
    if (request.body.remember !== undefined) request.session.options({ maxAge: THIRTY_DAYS })
    return reply.redirect('/')
  })

  app.post('/logout', async (request, reply) => {
    await request.session.destroy()
    return reply.redirect('/')
  })

  app.post('/count', async (request, reply) => {
    if (request.session.userName === undefined) return await refuse(reply)
    await request.session.update(draft => { draft.counter = (draft.counter ?? 0) + 1 })
    return reply.redirect('/')
  })

  app.post('/mark/:key', async (request, reply) => {
    if (request.session.userName === undefined) return await refuse(reply)
    const { key } = request.params as { key: string }
    request.session.set(`mark ${key}`, true)
    return { marked: key }
  })

  app.get('/marks', async request => ({
    marks: Object.keys(request.session.data()).filter(key => key.startsWith('mark ')).length
  }))

  app.get('/account', async (request, reply) => {
    if (request.session.userName === undefined) return reply.redirect('/')
    // What only its owner may see must not be there any more when they have left.
    return reply.type('text/html').header('cache-control', 'no-store').send(page('Account', '<h1>Secret account</h1><a href="/">Home</a>'))
  })

  // A page of another site, when it is opened under another host name than its target has.
  app.get<{ Querystring: { target: string } }>('/elsewhere', { config: { session: false } }, async (request, reply) => {
    const { target } = request.query
    return reply.type('text/html').send(page('Elsewhere', `<h1>Elsewhere</h1>
      <form method="post" action="${target}/count"><button>Win a prize</button></form>
      <a href="${target}/">A link</a>`))
  })
}

async function refuse (reply: FastifyReply): Promise<FastifyReply> {
  return reply.code(403).type('text/html').send(page('Refused', '<h1>Log in first</h1><a href="/">Home</a>'))
}

function page (title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>${title}</title><main>${body}</main></html>`
}

serve(JSON.parse(process.argv[2] ?? '{}') as SiteOptions)
