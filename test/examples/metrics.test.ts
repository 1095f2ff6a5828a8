import { spawn, spawnSync } from 'node:child_process'
import diagnosticsChannel from 'node:diagnostics_channel'
import { once } from 'node:events'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import t from 'tap'
import fileSessions from '../../index'

const root = resolve(__dirname, '../..')
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
  const origin = await app.listen({ port: 0 })
  const scrape = async (): Promise<Record<string, number>> => {
    const response = await fetch(`${origin}/metrics`)
    t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
    return samples(await response.text())
  }
  t.strictSame(await scrape(), {}, 'nothing happened yet')

  const first = await fetch(`${origin}/visit`)
  const cookie = (first.headers.get('set-cookie') as string).split(';')[0] as string
  await fetch(`${origin}/visit`, { headers: { cookie } })
  await fetch(`${origin}/visit`, { headers: { cookie } })
  await fetch(`${origin}/logout-elsewhere`, { headers: { cookie } })
  await fetch(`${origin}/visit`, { headers: { cookie } })
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
  const installed = join(directory, 'node_modules/fastify-file-sessions')
  mkdirSync(installed, { recursive: true })
  cpSync(join(root, 'package.json'), join(installed, 'package.json'))
  cpSync(example, directory, { recursive: true })
  writeFileSync(join(directory, 'package.json'), '{"private":true}')
  const tsc = spawnSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json'),
    '--outDir', join(installed, 'dist')], { encoding: 'utf8' })
  t.equal(tsc.stdout, '')

  async function start (environment: object) {
    const server = spawn(process.execPath, ['server.mjs'], {
      cwd: directory,
      env: { PATH: process.env.PATH, PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const [line] = await once(createInterface(server.stdout), 'line') as [string]
    const origin = /http:\S+\d/.exec(line)?.[0] as string
    return { origin, async stop () { server.kill(); await once(server, 'exit') } }
  }

  const healthy = await start({})
  const { status, headers } = await fetch(healthy.origin)
  t.equal(status, 200)
  const cookie = (headers.get('set-cookie') as string).split(';')[0] as string
  t.same(await (await fetch(healthy.origin, { headers: { cookie } })).json(), { visits: 2 })
  t.same(await (await fetch(`${healthy.origin}/status`)).json(), { status: 'ok' })
  t.match(samples(await (await fetch(`${healthy.origin}/metrics`)).text()), {
    'sessions_commit_seconds_count{appid="sid",kind="update"}': 1
  })
  await healthy.stop()

  const full = await start({ MIN_FREE_BYTES: String(Number.MAX_SAFE_INTEGER), LOG_LEVEL: 'silent' })
  t.equal((await fetch(`${full.origin}/status`)).status, 503)
  t.equal((await fetch(full.origin)).status, 503)
  await full.stop()
})
