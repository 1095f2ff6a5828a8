import helmet from '@fastify/helmet'
import Fastify from 'fastify'
import { join } from 'node:path'
import t from 'tap'
import fileSessions from '../../index'
import { helmetApp } from './apps/helmet'
import { listen, Visitor } from '../support/visitor'

t.test('the headers of both are there', async t => {
  const app = Fastify()
  await helmetApp(app, join(t.testdir(), 'sessions'))
  const visitor = new Visitor(await listen(t, app))
  const { headers, setCookies, text } = await visitor.post('/count')
  t.same(JSON.parse(text), { counter: 1 })
  t.equal(setCookies.length, 1)
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
  const { status, headers, setCookies } = await new Visitor(await listen(t, app)).post('/count')
  t.equal(status, 500)
  t.same(setCookies, [])
  t.equal(headers.get('x-content-type-options'), 'nosniff')
})
