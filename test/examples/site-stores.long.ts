import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { installBuilt, root } from '../support/built-package'
import { startApp, type ChildApp } from '../support/child-app'
import { Client } from '../support/client'
import { NO_POSTGRES, PostgresServer } from '../support/postgres-server'
import { redisIsMissing, RedisServer } from '../support/redis-server'

let directory: string

t.before(async () => {
  directory = t.testdir()
  await installBuilt(directory)
  await cp(join(root, 'examples/site'), join(directory, 'site'), { recursive: true })
})

async function open (t: Test, store: string): Promise<ChildApp> {
  const app = await startApp([join(directory, 'site/server.mjs')], directory, { SESSION_STORE: store })
  t.teardown(() => app.end('SIGKILL'))
  return app
}

/** Two processes, one of which is killed, and a visitor who is at both. */
async function visit (t: Test, store: string): Promise<void> {
  const [one, two] = await Promise.all([open(t, store), open(t, store)])
  const browser = new Client(one.address)
  t.match((await browser.get('/')).text, /Nothing is stored of you yet/)
  t.equal(browser.jar.size, 0)
  await browser.post('/login', { name: 'ada', password: 'correct horse', remember: 'on' })

  const other = browser.twin(two.address)
  await Promise.all([browser, other].flatMap(client => Array.from({ length: 10 }, () => client.post('/cart/add', { product: 'pen' }))))
  t.match((await other.get('/shop')).text, /20 in your cart/, 'twenty at once, in two processes, are twenty')
  await one.end('SIGKILL')
  const again = await open(t, store)
  browser.url = again.address
  t.match((await browser.get('/')).text, /Good to see you, Ada/)

  const thief = browser.twin(again.address)
  await other.post('/logout')
  t.match((await thief.get('/session')).text, /You have none/, 'logged out in both')
  t.notOk((await readdir(directory)).includes('sessions'), 'there is no directory of files')
  t.same(await again.end('SIGTERM'), { code: 0, signal: null }, 'closes cleanly, and with it the connection')
}

t.test('on Redis', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  await visit(t, server.url)
})

t.test('on PostgreSQL', { skip: NO_POSTGRES }, async t => {
  const server = await PostgresServer.start(t)
  await visit(t, server.url)
  await server.stop()
  const complaint = await open(t, server.url.replace('postgres@', 'postgres:secret@')).catch(String)
  t.match(complaint, /The shop cannot open: /)
  t.notMatch(complaint, /secret/, 'what is wrong is said, without the password')
})
