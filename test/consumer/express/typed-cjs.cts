import assert = require('node:assert/strict')
import express = require('express')
import session = require('express-session')
import type { AddressInfo } from 'node:net'
import {
  connectStore, fromConnectStore, SessionError, SessionFileStore, type ConnectStore, type RecordStore, type SessionStore
} from 'fastify-file-sessions/connect'

declare module 'express-session' {
  interface SessionData {
    visits: number
  }
}

const files: RecordStore = new SessionFileStore({ appid: 'sid', sessionDir: './sessions' })
const store: ConnectStore = connectStore(files)
const other: SessionStore = fromConnectStore(new session.MemoryStore())
// @ts-expect-error -- a store without records
assert.throws(() => connectStore(other), SessionError)

const app = express()
app.use(session({ store, name: 'sid', secret: 'a secret', resave: false, saveUninitialized: false }))
app.get('/', (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1
  response.json({ visits: request.session.visits })
})
const server = app.listen(0, '127.0.0.1', () => { console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) })
