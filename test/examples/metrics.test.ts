import diagnosticsChannel from 'node:diagnostics_channel'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import t from 'tap'
import fileSessions from '../../index'
import { installBuilt, root } from '../support/built-package'
import { startApp } from '../support/child-app'
import { Client } from '../support/client'
import { listen } from '../support/serve'

const example = join(root, 'examples/metrics')

/** Samples by name and labels; a line that is none is an error. */
function samples (text: string): Record<string, number> {
  const values: Record<string, number> = {}
  for (const line of text.trim().split('\n')) {
    if (/^# (HELP \w+ .+|TYPE \w+ (counter|histogram))$/.test(line)) continue
    const sample = /^(\w+\{(?:\w+="(?:[^"\\]|\\.)*",?)*\}) (\S+)$/.exec(line)
    if (sample === null) throw new Error(`no sample: ${line}`)
    values[sample[1] as string] = Number(sample[2])
  }
  return values
}

t.test('what happens to sessions is counted', async t => {
  const { default: metrics } = await import(pathToFileURL(join(example, 'metrics.mjs')).href) as { default: FastifyPluginAsync }
  const app = Fastify()
  await app.register(fileSessions, { sessionDir: join(t.testdir(), 'sessions') })
  await app.register(metrics)
  app.get('/visit', async request => {
    await request.session.update(draft => { draft.visits = Number(draft.visits ?? 0) + 1 })
    return 'ok'
  })
  app.get('/logout-elsewhere', async request => {
    await app.sessionStore.delSession(request.session.sessionId as string)
    request.session.set('late', 1)
    return 'ok'
  })
  const client = new Client(await listen(t, app))
  const scrape = async (): Promise<Record<string, number>> => {
    const { headers, text } = await client.get('/metrics')
    t.match(headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
    return samples(text)
  }
  t.strictSame(await scrape(), {}, 'nothing happened yet')

  for (const path of ['/visit', '/visit', '/visit', '/logout-elsewhere', '/visit']) await client.get(path)
  const publish = (name: string, event: object): void => { diagnosticsChannel.channel(`fastify-file-sessions:${name}`).publish(event) }
  publish('conflict', { appid: 'sid' })
  publish('reap', { appid: 'sid', duration: 20, seen: 9, expired: 7, orphans: 0, setAside: 0, failed: 0 })
  publish('error', { appid: 'a"b\\c\n', operation: 'load', code: 'SESSION_FILE', cause: undefined })

  const after = await scrape()
  t.match(after, {
    'sessions_load_seconds_count{appid="sid",found="true"}': 3,
    'sessions_load_seconds_bucket{appid="sid",found="true",le="+Inf"}': 3,
    'sessions_load_seconds_count{appid="sid",found="false"}': 1,
    'sessions_commit_seconds_count{appid="sid",kind="create"}': 2,
    'sessions_commit_seconds_count{appid="sid",kind="update"}': 2,
    'sessions_gone_total{appid="sid"}': 1,
    'sessions_conflicts_total{appid="sid"}': 1,
    'sessions_reap_seconds_sum{appid="sid"}': 0.02,
    'sessions_reap_seconds_bucket{appid="sid",le="0.01"}': 0,
    'sessions_reap_seconds_bucket{appid="sid",le="0.03"}': 1,
    'sessions_reaped_total{appid="sid"}': 7
  })
  t.equal(after['sessions_errors_total{appid="a\\"b\\\\c\\n",operation="load",code="SESSION_FILE",cause=""}'], 1)
  await app.close()
  t.equal(diagnosticsChannel.hasSubscribers('fastify-file-sessions:load'), false, 'closed: it watches no more')
})

t.test('the example, with the built package', async t => {
  const directory = t.testdir()
  await installBuilt(directory)
  await cp(example, directory, { recursive: true })
  const start = async (env: NodeJS.ProcessEnv): Promise<{ client: Client, stop: () => Promise<unknown> }> => {
    const app = await startApp(['server.mjs'], directory, env)
    t.teardown(() => app.end('SIGKILL'))
    return { client: new Client(app.address), stop: () => app.end('SIGTERM') }
  }

  const healthy = await start({})
  t.equal((await healthy.client.get('/')).status, 200)
  t.same((await healthy.client.get('/')).json, { visits: 2 })
  t.same((await healthy.client.get('/status')).json, { status: 'ok' })
  t.match(samples((await healthy.client.get('/metrics')).text), {
    'sessions_commit_seconds_count{appid="sid",kind="update"}': 1
  })
  await healthy.stop()

  const full = await start({ MIN_FREE_BYTES: String(Number.MAX_SAFE_INTEGER), LOG_LEVEL: 'silent' })
  t.equal((await full.client.get('/status')).status, 503)
  t.equal((await full.client.get('/')).status, 503)
  await full.stop()
})
