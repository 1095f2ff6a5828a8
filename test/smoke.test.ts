import t from 'tap'
import Fastify from 'fastify'
import fileSessions from '../index'
t.test('counts', async t => {
  const app = Fastify()
  await app.register(fileSessions, { sessionDir: t.testdir() + '/s' })
  t.ok(app.hasDecorator('sessionStore'))
  await app.close()
})
