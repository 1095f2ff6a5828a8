import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import express from 'express'
import session from 'express-session'
import { connectStore, SessionError, SessionFileError, SessionFileStore } from 'fastify-file-sessions/connect'

const required = createRequire(import.meta.url)('fastify-file-sessions/connect')
assert.equal(required.SessionError, SessionError, 'one class, however it was got')
assert.ok(new SessionFileError('…') instanceof SessionError)

const app = express()
const store = connectStore(new SessionFileStore({ appid: 'sid', sessionDir: './sessions' }))
app.use(session({ store, name: 'sid', secret: 'a secret', resave: false, saveUninitialized: false }))
app.get('/', (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1
  response.json({ visits: request.session.visits })
})
const server = app.listen(0, '127.0.0.1', () => { console.log(`http://127.0.0.1:${server.address().port}`) })
