import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import WebSocket from 'ws'
import { compile } from '../support/built-package'
import { startApp } from '../support/child-app'
import { Client } from '../support/client'
import { sessionFiles } from '../support/session-files'
import { checkSnippets, counts, COUNTER, Document, javascript, printed, run, serve } from './document'

const page = new Document('docs/guide.md')

checkSnippets(page, {
  'quick-start-cjs': (t, { text }, cwd) => counts(t, 'app.cjs', text, cwd),

  async 'quick-start-ts' (t, { text }, cwd) {
    const mistake = "// @ts-expect-error -- the declaration says that it is a number\n  request.session.visits = 'none'"
    await writeFile(join(cwd, 'app.ts'), text)
    await writeFile(join(cwd, 'mistake.ts'), text.replace('request.session', `${mistake}\n  request.session`))
    await writeFile(join(cwd, 'esm.mts'), text)
    await compile(['--strict', '--skipLibCheck', '--module', 'node16', '--target', 'es2022', '--types', 'node',
      ...['app.ts', 'mistake.ts', 'esm.mts'].map(name => join(cwd, name))])
    await counts(t, 'app.js', await readFile(join(cwd, 'app.js'), 'utf8'), cwd)
  },

  async login (t, { text }, cwd) {
    const client = await serve(t, cwd, text)
    t.equal((await client.get('/account')).status, 401)
    t.equal((await client.post('/login', { name: 'eve' })).status, 401)
    t.same((await client.post('/login', { name: 'ada' })).json, { hello: 'ada' })
    const id = client.jar.get('sid')
    t.same((await client.get('/account')).json, { id: 7, name: 'ada' })
    await client.post('/login', { name: 'ada' })
    t.not(client.jar.get('sid'), id, 'a new id at each login')
    await client.post('/logout')
    t.equal((await client.get('/account')).status, 401)
  },

  async fresh (t, { text }, cwd) {
    const client = await serve(t, cwd, text)
    const { status, json } = await client.post('/order')
    t.equal(status, 401)
    t.match(json, { type: 'urn:fastify-file-sessions:not-fresh', freshAt: null })
    t.equal((await client.post('/confirm', { name: 'ada', password: 'x' })).status, 401, 'nobody is logged in')
  },

  async problem (t, { text }, cwd) {
    const client = await serve(t, cwd, page.snippets.get('fresh')?.text ?? '')
    const shown = JSON.parse(text) as object
    t.same({ ...(await client.post('/order')).json as object, freshAt: '2026-01-31T12:00:00.000Z' }, shown)
  },

  async renew (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}\n${COUNTER}`, { registered: false })
    t.equal((await client.get('/')).text, 'visit 1\n')
    t.equal((await client.get('/')).text, 'visit 2\n')
  },

  async devices (t, { text }, cwd) {
    const clients = [await serve(t, cwd, text, { registered: false })]
    const [first] = clients as [Client]
    const second = new Client(first.url)
    for (const client of [first, second]) t.same((await client.post('/login', { name: 'ada' })).json, { hello: 'ada' })
    const devices = (await first.get('/devices')).json as Array<{ isThisOne: boolean }>
    t.strictSame(devices.map(({ isThisOne }) => isThisOne).sort(), [false, true])
    t.same((await first.post('/devices/end-others')).json, { ended: 1 })
    t.match((await first.get('/devices')).json, [{ isThisOne: true }])
    t.equal((await second.get('/devices')).status, 500)
  },

  async 'remember-me' (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}
      app.post('/begin-anew', async ({ session }) => {
        await session.destroy()
        session.user = { name: 'ada' }
      })`)
    const cookie = async (path: string, fields: Record<string, string> = {}): Promise<string | null> =>
      (await client.post(path, { name: 'ada', ...fields })).headers.get('set-cookie')
    t.notMatch(await cookie('/login'), /Max-Age/)
    const id = client.jar.get('sid')
    t.match(await cookie('/login', { remember: 'on' }), /Max-Age=2592000/)
    t.not(client.jar.get('sid'), id, 'a new id')
    t.match(await cookie('/login'), /Max-Age=2592000/, 'still remembered')
    t.notMatch(await cookie('/begin-anew'), /Max-Age/)
    t.equal((await client.post('/login', { name: 'eve' })).status, 401)
  },

  async flash (t, { text }, cwd) {
    const client = await serve(t, cwd, text)
    t.equal((await client.post('/save')).headers.get('location'), '/page')
    t.same((await client.get('/page')).json, { message: 'Saved.' })
    t.same((await client.get('/page')).json, {})
  },

  async update (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}\napp.get('/start', async r => { r.session.credit = 30 })`)
    await client.get('/start')
    const left = await Promise.all(Array.from({ length: 30 }, async () => {
      const { left } = (await client.post('/buy')).json as { left: number }
      return left
    }))
    t.same(left.sort((a, b) => a - b), Array.from({ length: 30 }, (_, index) => index), 'each credit is spent once')
  },

  async 'error-handler' (t, snippet, cwd) {
    const client = await serve(t, cwd, `${javascript(snippet)}
      app.post('/login', async ({ session }) => { session.user = { name: 'Ada' } })
      app.get('/fails', async () => { throw new Error('late') })
      app.post('/early', { schema: { body: { type: 'object', required: ['x'] } } }, async () => 'never')`)
    await client.post('/login')
    t.same((await client.get('/fails')).json, { sorry: 'Ada', error: 'late' })
    t.match((await client.post('/early', {})).json, { sorry: 'stranger', error: /required property 'x'/ })
  },

  async sse (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}\napp.get('/data', async ({ session }) => session.data())`)
    const events = (await client.get('/progress', { accept: 'text/event-stream' })).text
    t.equal(events.match(/"percent":/g)?.length, 3)
    t.same((await client.get('/data')).json, { job: 'import', done: true })
  },

  async hijack (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}\napp.get('/data', async ({ session }) => session.data())`)
    t.equal((await client.get('/export')).text, 'name,price\n')
    await client.get('/export')
    t.same((await client.get('/data')).json, { exports: 2 })
  },

  async websocket (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}\napp.get('/login', async ({ session }) => { session.user = 'ada' })`)
    const url = `${client.url.replace('http', 'ws')}/chat`
    const [refused] = await once(new WebSocket(url), 'error') as [Error]
    t.match(refused.message, /401/)
    await client.get('/login')
    const socket = new WebSocket(url, { headers: { cookie: `sid=${client.jar.get('sid') ?? ''}` } })
    await once(socket, 'open')
    socket.send('hello')
    const [answer] = await once(socket, 'message') as [Buffer]
    t.equal(String(answer), 'message 1')
    socket.terminate()
  },

  async exempt (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}
      app.addHook('onSend', async (request, reply) => { reply.header('x-loaded', request.sessionLoaded) })
      ${COUNTER}`)
    const response = await client.get('/health')
    t.equal(response.text, 'well')
    t.equal(response.headers.get('x-loaded'), 'false')
    t.equal((await client.get('/')).headers.get('x-loaded'), 'true', 'other routes have it')
  },

  async proxy (t, { text }, cwd) {
    const source = `${text}\n${COUNTER}\nconsole.log(await app.listen({ port: 0, host: '127.0.0.1' }))`
    await writeFile(join(cwd, 'app.mjs'), source)
    const app = await startApp(['app.mjs'], cwd)
    t.teardown(() => app.end('SIGKILL'))
    const response = await new Client(app.address).get('/', { 'x-forwarded-proto': 'https' })
    t.match(response.headers.get('set-cookie'), /^__Host-sid=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  },

  async 'two-apps' (t, { text }, cwd) {
    const client = await serve(t, cwd, text, { registered: false })
    t.same((await client.get('/both')).json, { stores: ['shop', 'admin'] })
    t.same([...client.jar.keys()], ['shop', 'admin'])
    t.same((await readdir(join(cwd, 'sessions'))).sort(), ['admin', 'shop'])
  },

  async encryption (t, { text }, cwd) {
    const client = await serve(t, cwd, `process.env.SESSION_SECRETS = '${randomBytes(32).toString('base64')},${randomBytes(32).toString('base64')}'\n${text}\n${COUNTER}`, { registered: false })
    t.equal((await client.get('/')).text, 'visit 1\n')
    t.equal((await client.get('/')).text, 'visit 2\n')
    for (const path of sessionFiles(join(cwd, 'sessions'))) t.match(await readFile(path, 'latin1'), /\$ffs1\$[\w-]{8}\$/)
  },

  async unopened (t, { text }, cwd) {
    const client = await serve(t, cwd, text)
    t.same((await client.get('/health/sessions')).json, { damaged: 0, plain: 0, unlisted: 0, unconfigured: 0, newer: 0 })
  },

  async cluster (t, { text }, cwd) {
    await writeFile(join(cwd, 'app.mjs'), text)
    const app = await startApp(['app.mjs'], cwd)
    t.teardown(() => app.end('SIGTERM'))
    const client = new Client(app.address)
    await client.get('/')
    const visits = await Promise.all(Array.from({ length: 20 }, async () => {
      const { visits } = (await client.get('/')).json as { visits: number }
      return visits
    }))
    t.same(visits.sort((a, b) => a - b), Array.from({ length: 20 }, (_, index) => index + 2))
  },

  async 'test-logged-in' (t, { text }, cwd) {
    await writeFile(join(cwd, 'app.test.mjs'), text)
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', 'app.test.mjs'], { cwd, env: { PATH: process.env['PATH'] } })
    t.match(stdout, '# pass 2\n')
    t.match(stdout, '# fail 0\n')
  },

  async 'test-expiry' (t, { text }, cwd) {
    t.equal(await printed(text, cwd), '{"user":null}\n')
  }
})
