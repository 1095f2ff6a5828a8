import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Request, type Response } from 'express'
import session from 'express-session'
import type { Test } from 'tap'
import { type ConnectStore } from '../../lib/connect/connect-store'

declare module 'express-session' {
  interface SessionData {
    views: number
    user: string
  }
}

export const SECRET = 'a secret of more than thirty-two letters'

export async function expressApp (
  t: Test, store: ConnectStore, options: Partial<session.SessionOptions> = {}, extend?: (app: express.Express) => void
): Promise<string> {
  const app = express()
  app.use(session({ store, secret: SECRET, resave: false, saveUninitialized: false, ...options }))
  app.get('/count', (request, response) => {
    request.session.views = (request.session.views ?? 0) + 1
    response.send(String(request.session.views))
  })
  app.get('/views', (request, response) => { response.send(String(request.session.views)) })
  app.get('/max-age', (request, response) => { response.json(request.session.cookie.maxAge ?? null) })
  app.get('/logout', (request, response, next) => {
    request.session.destroy(error => { error === null || error === undefined ? response.send('bye') : next(error) })
  })
  app.get('/login', (request, response, next) => {
    request.session.regenerate(error => {
      if (error !== null && error !== undefined) return next(error)
      request.session.user = 'ann'
      response.send(request.session.id)
    })
  })
  app.get('/reload', (request, response, next) => {
    request.session.views = 1000
    request.session.reload(error => {
      if (error !== null && error !== undefined) return next(error)
      response.send(String(request.session.views))
    })
  })
  extend?.(app)
  app.use((error: Error & { code?: string }, _request: Request, response: Response, _next: unknown) => {
    if (!response.headersSent) response.status(500).send(error.code ?? error.message)
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
