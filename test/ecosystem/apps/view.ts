import type { FastifyInstance } from 'fastify'
import '../session-data'
import { join } from 'node:path'
// #region imports
import flash from '@fastify/flash'
import view from '@fastify/view'
import ejs from 'ejs'
import fileSessions from '../../../index'

declare module 'fastify' {
  interface FastifyReply {
    locals: Record<string, unknown> | undefined
  }
}
// #endregion

export async function viewApp (app: FastifyInstance, sessionDir: string): Promise<void> {
  const root = join(__dirname, 'templates')
  // #region app
  await app.register(fileSessions, { sessionDir })
  await app.register(flash)
  await app.register(view, { engine: { ejs }, root })

  app.addHook('preHandler', async (request, reply) => {
    reply.locals = { session: request.session, flash: (type: string) => reply.flash(type) }
  })

  app.get('/', (_request, reply) => reply.view('home.ejs'))
  // #endregion

  app.post('/login/:name', async request => {
    const { name } = request.params as { name: string }
    await request.session.regenerate()
    request.session.userName = name
    request.flash('info', 'Welcome')
    return { userName: name }
  })
}
