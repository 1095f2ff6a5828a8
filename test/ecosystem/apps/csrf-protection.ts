import type { FastifyInstance } from 'fastify'
import '../session-data'
// #region imports
import csrfProtection from '@fastify/csrf-protection'
import formbody from '@fastify/formbody'
import fileSessions from '../../../index'
// #endregion

export async function csrfApp (app: FastifyInstance, sessionDir: string): Promise<void> {
  // #region app
  await app.register(fileSessions, { sessionDir })
  await app.register(formbody)
  await app.register(csrfProtection, { sessionPlugin: '@fastify/session' })

  app.get('/form', async (_request, reply) => {
    const token = reply.generateCsrf()
    return reply.type('text/html').send(`<form method="post" action="/transfer">
      <input type="hidden" name="_csrf" value="${token}"><button>Transfer</button></form>`)
  })

  app.post('/transfer', { preHandler: app.csrfProtection }, async () => ({ transferred: true }))
  // #endregion
}

/** The other session mode, with a token that is good for one user only, and before the body is read. */
export async function csrfPerUserApp (app: FastifyInstance, sessionDir: string): Promise<void> {
  // #region per-user
  await app.register(fileSessions, { sessionDir, hook: 'onRequest' })
  await app.register(csrfProtection, {
    sessionPlugin: '@fastify/secure-session',
    getUserInfo: request => request.session.userName ?? ''
  })

  app.get('/token', async (request, reply) => {
    return { token: reply.generateCsrf({ userInfo: request.session.userName ?? '' }) }
  })

  app.post('/login/:name', async request => {
    const { name } = request.params as { name: string }
    await request.session.regenerate()
    request.session.userName = name
    return { userName: name }
  })

  app.post('/transfer', { onRequest: app.csrfProtection }, async () => ({ transferred: true }))
  // #endregion
}
