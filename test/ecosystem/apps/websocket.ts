import type { FastifyInstance } from 'fastify'
import '../session-data'
// #region imports
import websocket from '@fastify/websocket'
import fileSessions from '../../../index'
// #endregion

export async function websocketApp (app: FastifyInstance, sessionDir: string): Promise<void> {
  // #region app
  await app.register(fileSessions, { sessionDir })
  await app.register(websocket)

  app.post('/login/:name', async request => {
    const { name } = request.params as { name: string }
    await request.session.regenerate()
    request.session.userName = name
    return { userName: name }
  })

  app.post('/logout', async request => {
    await request.session.destroy()
    return {}
  })

  app.get('/', async request => ({ counter: request.session.counter ?? 0 }))

  app.get('/live', {
    websocket: true,
    // Nothing can be saved for a visitor without a session: the cookie would have to go out with
    // the upgrade. So turn such a visitor away before it.
    preHandler: async (request, reply) => {
      if (request.session.userName === undefined) return reply.code(401).send({ error: 'log in first' })
    }
  }, (socket, request) => {
    socket.send(`hello ${request.session.userName}`)
    socket.on('message', async message => {
      const step = Number(message.toString())
      const counter = await request.session.update(draft => (draft.counter = (draft.counter ?? 0) + step))
      if (counter === undefined) socket.close(4401, 'logged out')
      else socket.send(`counter ${counter}`)
    })
  })

  app.get('/rename', { websocket: true }, (socket, request) => {
    socket.on('message', async message => {
      request.session.userName = message.toString()
      request.session.touch()
      await request.session.save()
      socket.send(request.session.deleted ? 'logged out' : 'saved')
    })
  })
  // #endregion

  app.get('/name', async request => ({ userName: request.session.userName ?? null }))
}
