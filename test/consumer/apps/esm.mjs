import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import Fastify from 'fastify'
import plugin, { fileSessions, SessionError, SessionFileError, SessionFileStore } from 'fastify-file-sessions'

const required = createRequire(import.meta.url)('fastify-file-sessions')
assert.equal(plugin, fileSessions)
assert.equal(required.SessionError, SessionError, 'one class, however it was got')
assert.ok(new SessionFileError('…') instanceof SessionError)
assert.throws(() => new SessionFileStore({ appid: '' }), SessionError)

const app = Fastify()
app.register(fileSessions, { appid: 'sid', sessionDir: './sessions' })
app.get('/', async request => {
  request.session.visits = (request.session.visits ?? 0) + 1
  return { visits: request.session.visits }
})
console.log(await app.listen({ port: 0 }))
