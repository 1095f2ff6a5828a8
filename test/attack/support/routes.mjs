import { SessionError } from 'fastify-file-sessions'

/** The routes that most attacks need. */
export function addRoutes (app) {
  app.setErrorHandler((error, request, reply) => {
    request.log.error({ err: error })
    reply.code(500).send({ isSessionError: error instanceof SessionError, code: error.code, message: error.message })
  })
  app.get('/plain', { config: { session: false } }, async () => ({ plain: true }))
  app.get('/read', async ({ session }) => session.data())
  app.post('/set', async ({ session, body }) => {
    for (const [key, value] of Object.entries(body)) session.set(key, value)
    return { stored: true }
  })
  app.post('/login', async (request, reply) => {
    const { session, body } = request
    await session.regenerate(body.keep ?? [])
    if (session.deleted) return reply.code(410).send({ gone: true })
    session.user = body.user
    return { hello: body.user }
  })
  app.post('/logout', async ({ session }) => {
    await session.destroy()
    return { bye: true }
  })
  // Answers 410 when the session has ended: then nothing was counted.
  app.post('/count', async ({ session, body }, reply) => {
    if (session.isNew) return reply.code(410).send({ gone: true })
    const { key = 'n' } = body
    const count = await session.update(draft => (draft[key] = (draft[key] ?? 0) + 1))
    return count === undefined ? reply.code(410).send({ gone: true }) : { count }
  })
}
