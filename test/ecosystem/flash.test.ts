import flash from '@fastify/flash'
import Fastify from 'fastify'
import { join } from 'node:path'
import t from 'tap'
import fileSessions from '../../index'
import { flashApp } from './apps/flash'
import { Client } from '../support/client'
import { listen } from '../support/serve'
import { sessionFiles } from '../support/session-files'

t.test('a message is shown on the next page, and once', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const app = Fastify()
  await flashApp(app, sessionDir)
  const visitor = new Client(await listen(t, app))

  t.same(JSON.parse((await visitor.get('/')).text), { messages: [] })
  t.equal(visitor.jar.size, 0, 'looking for messages costs no session')
  t.same(sessionFiles(sessionDir), [])

  t.equal((await visitor.post('/save')).status, 302)
  t.same(JSON.parse((await visitor.get('/')).text), { messages: ['Saved the page'] })
  t.same(JSON.parse((await visitor.get('/')).text), { messages: [] })
})

t.test('messages of several kinds, also from requests at once', async t => {
  const app = Fastify()
  await app.register(fileSessions, { sessionDir: join(t.testdir(), 'sessions'), hook: 'onRequest' })
  await app.register(flash)
  app.get('/flash/:type', async request => {
    const { type } = request.params as { type: string }
    return { count: request.flash(type, [`first ${type}`, `second ${type}`]) }
  })
  app.get('/all', async (_request, reply) => reply.flash())
  const visitor = new Client(await listen(t, app))

  t.same(JSON.parse((await visitor.get('/flash/info')).text), { count: 2 })
  await Promise.all(['warning', 'error', 'success'].map(type => visitor.get(`/flash/${type}`)))
  t.same(JSON.parse((await visitor.get('/all')).text), {
    info: ['first info', 'second info'],
    warning: ['first warning', 'second warning'],
    error: ['first error', 'second error'],
    success: ['first success', 'second success']
  })
  t.same(JSON.parse((await visitor.get('/all')).text), {})
})

t.test('flash before the session is loaded says what to do', async t => {
  const app = Fastify()
  await app.register(fileSessions, { sessionDir: join(t.testdir(), 'sessions') })
  await app.register(flash)
  app.addHook('preValidation', async request => { request.flash('info', 'too early') })
  app.get('/', async () => 'never')
  const { status, text } = await new Client(await listen(t, app)).get('/')
  t.equal(status, 500)
  t.match(JSON.parse(text), { code: 'SESSION_NOT_LOADED', message: /option hook/ })
})
