import helmet from '@fastify/helmet'
import Fastify from 'fastify'
import { join } from 'node:path'
import t from 'tap'
import fileSessions from '../../index'
import { helmetApp } from './apps/helmet'
import { Client } from '../support/client'
import { listen } from '../support/serve'

t.test('the headers of both are there', async t => {
  const app = Fastify()
  await helmetApp(app, join(t.testdir(), 'sessions'))
  const visitor = new Client(await listen(t, app))
  const { headers, cookies, text } = await visitor.post('/count')
  t.same(JSON.parse(text), { counter: 1 })
  t.equal(cookies.length, 1)
  t.equal(headers.get('cache-control'), 'private')
  t.match(headers.get('content-security-policy'), /default-src 'self'/)
  t.equal(headers.get('x-content-type-options'), 'nosniff')
  t.same(JSON.parse((await visitor.post('/count')).text), { counter: 2 })
})

t.test('an answer that the session could not be stored has helmet\'s headers, too', async t => {
  const app = Fastify()
  await app.register(helmet)
  await app.register(fileSessions, { sessionDir: join(t.testdir(), 'sessions'), maxSize: 5 })
  app.post('/count', async request => { request.session.counter = 1 })
  const { status, headers, cookies } = await new Client(await listen(t, app)).post('/count')
  t.equal(status, 500)
  t.same(cookies, [])
  t.equal(headers.get('x-content-type-options'), 'nosniff')
})
