import type { FastifyInstance } from 'fastify'
import '../session-data'
// #region imports
import formbody from '@fastify/formbody'
import fileSessions from '../../../index'
// #endregion

export async function formbodyApp (app: FastifyInstance, sessionDir: string): Promise<void> {
  // #region app
  await app.register(fileSessions, { sessionDir })
  await app.register(formbody)

  app.post<{ Body: { name: string } }>('/login', async (request, reply) => {
    await request.session.regenerate()
    request.session.userName = request.body.name
    return reply.redirect('/')
  })

  app.get('/', async request => ({ userName: request.session.userName ?? null }))
  // #endregion
}
