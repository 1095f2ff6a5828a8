import Fastify from 'fastify'
import { join } from 'node:path'
import t from 'tap'
import { rateLimitApp } from './apps/rate-limit'
import { Client } from '../support/client'
import { listen } from '../support/serve'

t.test('each session has a limit of its own, visitors without one share their address\'s', async t => {
  const app = Fastify()
  await rateLimitApp(app, join(t.testdir(), 'sessions'))
  const origin = await listen(t, app)
  const [alice, bob, stranger, otherStranger] = [new Client(origin), new Client(origin), new Client(origin), new Client(origin)]
  await alice.post('/login/alice')
  await bob.post('/login/bob')

  const statuses = async (visitor: Client, times: number): Promise<number[]> => {
    const answers: number[] = []
    while (answers.length < times) answers.push((await visitor.get('/search')).status)
    return answers
  }
  t.same(await statuses(alice, 4), [200, 200, 200, 429])
  t.same(await statuses(bob, 3), [200, 200, 200], 'of the same address')
  t.same(await statuses(stranger, 2), [200, 200])
  t.same(await statuses(otherStranger, 2), [200, 429])

  const forged = new Client(origin)
  forged.jar.set('sid', 'made-up')
  t.same(await statuses(forged, 1), [429], 'a cookie that names no session is no way around it')
  t.equal((await stranger.get('/health')).status, 429, 'a route without a session counts by address')
})
