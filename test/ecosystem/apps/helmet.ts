import type { FastifyInstance } from 'fastify'
import '../session-data'
// #region imports
import helmet from '@fastify/helmet'
import fileSessions from '../../../index'
// #endregion

export async function helmetApp (app: FastifyInstance, sessionDir: string): Promise<void> {
  // #region app
  await app.register(helmet)
  await app.register(fileSessions, { sessionDir })

  app.post('/count', async request => {
    request.session.counter = (request.session.counter ?? 0) + 1
    return { counter: request.session.counter }
  })
  // #endregion
}
