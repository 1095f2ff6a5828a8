import type { FastifyInstance } from 'fastify'
import '../session-data'
// #region imports
import rateLimit from '@fastify/rate-limit'
import fileSessions from '../../../index'
// #endregion

export async function rateLimitApp (app: FastifyInstance, sessionDir: string): Promise<void> {
  // #region app
  await app.register(fileSessions, { sessionDir })
  await app.register(rateLimit, {
    hook: 'preHandler',
    max: 3,
    timeWindow: '1 hour',
    keyGenerator: request => (request.sessionLoaded ? request.session.sessionId : undefined) ?? request.ip
  })

  app.post('/login/:name', { config: { rateLimit: false } }, async request => {
    const { name } = request.params as { name: string }
    await request.session.regenerate()
    request.session.userName = name
    return { userName: name }
  })

  app.get('/search', async request => ({ userName: request.session.userName ?? null }))

  app.get('/health', { config: { session: false } }, async () => ({ healthy: true }))
  // #endregion
}
