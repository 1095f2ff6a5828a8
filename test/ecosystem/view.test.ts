import Fastify from 'fastify'
import { join } from 'node:path'
import t from 'tap'
import { viewApp } from './apps/view'
import { Client } from '../support/client'
import { listen } from '../support/serve'

t.test('templates see the session, and what they change in it is saved', async t => {
  const app = Fastify()
  await viewApp(app, join(t.testdir(), 'sessions'))
  const visitor = new Client(await listen(t, app))
  const anonymous = await visitor.get('/')
  t.match(anonymous.headers.get('content-type'), 'text/html')
  t.match(anonymous.text, '<h1>Hello stranger</h1>')
  t.equal(visitor.jar.size, 0)

  await visitor.post('/login/%3Cb%3Ealice')
  t.match((await visitor.get('/')).text, /<h1>Hello &lt;b&gt;alice<\/h1>\s+<p>Welcome<\/p>/)
  t.notMatch((await visitor.get('/')).text, 'Welcome', 'shown once: reading it in the template took it away')
})
