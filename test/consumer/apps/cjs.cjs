const assert = require('node:assert/strict')
const Fastify = require('fastify')
const { default: plugin, fileSessions, SessionError, SessionFileError, SessionFileStore } = require('fastify-file-sessions')

assert.equal(plugin, fileSessions)
assert.ok(new SessionFileError('…') instanceof SessionError)
assert.throws(() => new SessionFileStore({ appid: '' }), SessionError)

const app = Fastify()
app.register(fileSessions, { appid: 'sid', sessionDir: './sessions' })
app.get('/', async request => {
  request.session.visits = (request.session.visits ?? 0) + 1
  return { visits: request.session.visits }
})
app.listen({ port: 0 }).then(console.log)
