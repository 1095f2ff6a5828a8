import Fastify from 'fastify'
import { join } from 'node:path'
import t from 'tap'
import { formbodyApp } from './apps/formbody'
import { Client } from '../support/client'
import { listen } from '../support/serve'

t.test('a login form', async t => {
  const app = Fastify()
  await formbodyApp(app, join(t.testdir(), 'sessions'))
  const visitor = new Client(await listen(t, app))
  t.equal((await visitor.post('/login', { name: 'Zoë & co' })).status, 302)
  t.same(JSON.parse((await visitor.get('/')).text), { userName: 'Zoë & co' })
})
