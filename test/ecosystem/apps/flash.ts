import type { FastifyInstance } from 'fastify'
import '../session-data'
// #region imports
import flash from '@fastify/flash'
import fileSessions from '../../../index'
// #endregion

export async function flashApp (app: FastifyInstance, sessionDir: string): Promise<void> {
  // #region app
  await app.register(fileSessions, { sessionDir })
  await app.register(flash)

  app.post('/save', async (request, reply) => {
    request.flash('info', 'Saved %s', 'the page')
    return reply.redirect('/')
  })

  app.get('/', async (request, reply) => {
    // Reading changes the session, too: a visitor without one needs none for that.
    const messages = request.session.isNew ? [] : reply.flash('info')
    return { messages }
  })
  // #endregion
}
