import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { startApp, type ChildApp } from '../support/child-app'
import { Client } from '../support/client'
import { NO_POSTGRES, PostgresServer } from '../support/postgres-server'
import { redisIsMissing, RedisServer } from '../support/redis-server'
import { checkShell, checkSnippets, Document } from './document'

const page = new Document('docs/several-machines.md')
const app = page.snippets.get('redis-app')?.text ?? ''
const PATHS = [...app.matchAll(/app\.get\('([^']+)'/g)].map(([, path]) => path)

type Compose = { services: Record<string, Service>, volumes?: Record<string, unknown> }
interface Service {
  depends_on?: Record<string, { condition: string }>
  volumes?: string[]
  command?: string[]
  healthcheck: { test: string[] }
}

/** Starts the app twice, and checks that both count together; returns one of them. */
async function count (t: Test, text: string, cwd: string, store: string): Promise<ChildApp> {
  await writeFile(join(cwd, 'app.mjs'), text.replace('console.log(await', `const closing = new Promise(resolve => app.addHook('preClose', async () => resolve()))
  app.get('/slow', async ({ session }) => {
    process.kill(process.pid, 'SIGTERM')
    await closing
    session.set('slow', true)
    return 'answered'
  })
  console.log(await`))
  const start = async (): Promise<ChildApp> => {
    const app = await startApp(['app.mjs'], cwd, { SESSION_STORE: store, HOST: '127.0.0.1' })
    t.teardown(() => app.end('SIGKILL'))
    return app
  }
  const [one, two] = await Promise.all([start(), start()])
  const visitor = new Client(one.address)
  await visitor.get('/')
  const other = visitor.twin(two.address)
  await Promise.all([visitor, other].flatMap(client => Array.from({ length: 10 }, () => client.get('/'))))
  t.same((await visitor.get('/')).json, { visits: 22 })
  t.equal((await other.get('/ready')).text, 'ready')
  t.equal((await other.get('/alive')).text, 'alive')

  const ended = new Promise(resolve => { two.process.once('exit', resolve) })
  const answer = await other.get('/slow')
  t.equal(answer.text, 'answered', 'a request that is under way when the process is to end')
  t.equal(answer.headers.get('connection'), 'close')
  t.equal(await ended, 0)
  return one
}

function skip (t: Test, reason: string): void {
  t.pass('the app', { skip: reason })
}

/** What is named is there: services, volumes, programs of a health check. */
async function checkCompose (t: Test, { services, volumes = {} }: Compose): Promise<void> {
  for (const { depends_on: needed = {}, volumes: mounts = [], healthcheck: { test: [kind, ...command] } } of Object.values(services)) {
    for (const [name, { condition }] of Object.entries(needed)) {
      t.ok(services[name]?.healthcheck !== undefined && condition === 'service_healthy', `${name} is a service with a health check`)
    }
    for (const mount of mounts) t.ok(Object.hasOwn(volumes, mount.split(':')[0] ?? ''), `${mount} is a volume`)
    t.equal(kind, 'CMD')
    t.ok(command.length > 1)
  }
}

checkSnippets(page, {
  async 'redis-app' (t, { text }, cwd) {
    if (redisIsMissing !== false) return skip(t, redisIsMissing)
    // As the recipe for Compose starts it.
    const { services } = parse(page.snippets.get('compose-redis')?.text ?? '') as Compose
    const [, ...parameters] = services['redis']?.command ?? []
    const options = parameters.flatMap((name, index) => index % 2 === 0 ? [[name.replace('--', ''), parameters[index + 1] ?? '']] : [])
    const server = await RedisServer.start(t, Object.fromEntries(options) as Record<string, string>)
    const { address } = await count(t, text, cwd, server.url)
    const visitor = new Client(address)
    const [, ...check] = services['app']?.healthcheck.test ?? []
    const isHealthy = (): number | null => spawnSync(process.execPath,
      check.slice(1).map(part => part.replace('http://127.0.0.1:3000', address.replace('[::1]', 'localhost')))).status
    t.equal(isHealthy(), 0)
    await server.kill()
    t.equal((await visitor.get('/ready')).status, 503)
    t.equal(isHealthy(), 1)
    t.equal((await visitor.get('/alive')).status, 200, 'the process need not be replaced')
    await server.start()
    let status = 0
    while (status !== 200) status = (await visitor.get('/ready')).status
    t.pass('ready again, by itself')
  },

  async 'postgres-app' (t, { text }, cwd) {
    if (NO_POSTGRES !== false) return skip(t, NO_POSTGRES)
    const server = await PostgresServer.start(t)
    const whole = app.replace(/import \{ RedisSessionStore.*?app\.addHook\('onClose'.*?\n/s, () => text)
    t.notMatch(whole, /redis/i)
    const { address } = await count(t, whole, cwd, server.url)
    await server.stop('immediate')
    t.equal((await new Client(address).get('/ready')).status, 503)
  },

  async 'compose-redis' (t, { text }) {
    const compose = parse(text) as Compose
    await checkCompose(t, compose)
    t.notOk(Object.hasOwn(compose.services['redis'] ?? {}, 'ports'), 'only the app reaches it')
    for (const [, path] of JSON.stringify(compose).matchAll(/127\.0\.0\.1:3000(\/\w+)/g)) t.ok(PATHS.includes(path), `${path} is a route`)
  },

  async 'compose-postgres' (t, { text }) {
    const compose = parse(text) as Compose
    await checkCompose(t, compose)
    t.notOk(Object.hasOwn(compose.services['postgres'] ?? {}, 'ports'), 'only the app reaches it')
  },

  async kubernetes (t, { text }) {
    const [deployment, budget, service] = parseAllDocuments(text).map(document => {
      t.same(document.errors, [])
      return document.toJS()
    })
    t.same([deployment.kind, budget.kind, service.kind], ['Deployment', 'PodDisruptionBudget', 'Service'])
    const { spec: { replicas, strategy, selector, template } } = deployment
    const { labels } = template.metadata
    for (const chosen of [selector.matchLabels, budget.spec.selector.matchLabels, service.spec.selector]) t.same(chosen, labels)
    t.ok(budget.spec.minAvailable < replicas, 'a node can be drained')
    t.equal(strategy.rollingUpdate.maxUnavailable, 0)
    const [container] = template.spec.containers
    const [{ containerPort }] = container.ports
    t.equal(service.spec.ports[0].targetPort, containerPort)
    for (const { httpGet } of [container.readinessProbe, container.livenessProbe]) {
      t.equal(httpGet.port, containerPort)
      t.ok(PATHS.includes(httpGet.path), httpGet.path)
    }
    await checkShell(container.lifecycle.preStop.exec.command.join(' '))
    t.ok(template.spec.terminationGracePeriodSeconds > Number(container.lifecycle.preStop.exec.command[1]))
  }
})
