const assert = require('node:assert/strict')
const express = require('express')
const session = require('express-session')
const { connectStore, SessionError, SessionFileError, SessionFileStore } = require('fastify-file-sessions/connect')

assert.throws(() => require.resolve('fastify'), { code: 'MODULE_NOT_FOUND' })
assert.ok(new SessionFileError('…') instanceof SessionError)

const app = express()
const store = connectStore(new SessionFileStore({ appid: 'sid', sessionDir: './sessions' }))
app.use(session({ store, name: 'sid', secret: 'a secret', resave: false, saveUninitialized: false }))
app.get('/', (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1
  response.json({ visits: request.session.visits })
})
const server = app.listen(0, '127.0.0.1', () => { console.log(`http://127.0.0.1:${server.address().port}`) })
