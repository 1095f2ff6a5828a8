import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { Client } from '../../support/client'
import { filesIn, sessionDirectory } from '../../support/session-files'

const PROCESSES = 4
const MANY = 50
const numbers = Array.from({ length: MANY }, (_, index) => index)

/** Four processes on one port, and what lets their slow requests go on when all have come. */
async function start (sessionDir: string): Promise<{ workers: Worker[], client: Client, meet: (count: number) => void }> {
  cluster.setupPrimary({ exec: join(__dirname, '../../support/worker.ts'), execArgv: process.execArgv, args: [] })
  const workers = Array.from({ length: PROCESSES }, () => cluster.fork({ SESSION_DIR: sessionDir }))
  let missing = 0
  for (const worker of workers) {
    worker.on('message', message => {
      if (message === 'arrived' && --missing === 0) for (const each of workers) each.send('go')
    })
  }
  const addresses = await Promise.all(workers.map(async worker => (await once(worker, 'listening'))[0] as { port: number }))
  const client = new Client(`http://127.0.0.1:${addresses[0]?.port}`)
  return { workers, client, meet: count => { missing = count } }
}

t.test('four processes share one port and one directory', async t => {
  const sessionDir = sessionDirectory(t)
  const { workers, client, meet } = await start(sessionDir)
  t.teardown(async () => {
    await Promise.all(workers.map(async worker => {
      worker.kill('SIGKILL')
      await once(worker, 'exit')
    }))
  })

  for (const pace of ['', '/slow']) {
    await t.test(`${MANY} requests at once that each set a key of their own${pace}`, async t => {
      const visitor = new Client(client.url)
      await visitor.get('/login')
      meet(MANY)
      const answers = await Promise.all(numbers.map(n => visitor.get(`${pace}/set/key${n}`)))
      t.ok(answers.every(({ status }) => status === 200))
      const { user, n, ...set } = (await visitor.get('/look')).json as Record<string, unknown>
      t.strictSame([user, n], ['ann', 0])
      t.strictSame(Object.keys(set).sort(), numbers.map(n => `key${n}`).sort())
      const pids = new Set(Object.values(set))
      t.equal(pids.size, PROCESSES, 'every process had its share')
      t.notOk(pids.has(process.pid))
    })
  }

  for (const path of ['/update', '/slow/update', '/slow/update/inside']) {
    await t.test(`${MANY} requests at once that count up by ${path}`, async t => {
      const visitor = new Client(client.url)
      await visitor.get('/login')
      meet(MANY)
      const answers = await Promise.all(numbers.map(() => visitor.get(path)))
      t.ok(answers.every(({ status }) => status === 200))
      t.strictSame((await visitor.get('/look')).json, { user: 'ann', n: MANY })
    })
  }

  t.equal(filesIn(sessionDir).length, 5, 'one file for each session, and nothing else')
})
