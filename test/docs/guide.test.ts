import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mock } from 'node:test'
import t from 'tap'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { compile } from '../support/built-package'
import { startApp } from '../support/child-app'
import { Client } from '../support/client'
import { checkSnippets, counts, COUNTER, Document, printed, serve } from './document'

checkSnippets(new Document('docs/guide.md'), {
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

  async 'remember-me' (t, { text }, cwd) {
    const client = await serve(t, cwd, text)
    const cookie = async (fields: Record<string, string>): Promise<string | null> =>
      (await client.post('/remember', { name: 'ada', ...fields })).headers.get('set-cookie')
    t.notMatch(await cookie({}), /Max-Age/)
    client.jar.clear()
    t.match(await cookie({ remember: 'on' }), /Max-Age=2592000/)
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

  async 'error-handler' (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}
      app.post('/login', async ({ session }) => { session.user = { name: 'Ada' } })
      app.get('/fails', async () => { throw new Error('late') })
      app.post('/early', { schema: { body: { type: 'object', required: ['x'] } } }, async () => 'never')`)
    await client.post('/login')
    t.same((await client.get('/fails')).json, { sorry: 'Ada', error: 'late' })
    t.match((await client.post('/early', {})).json, { sorry: 'stranger', error: /required property 'x'/ })
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

  async 'test-expiry' (t, { text }, cwd) {
    t.equal(await printed(text, cwd), '{"user":null}\n')
  }
})

t.test('a faked Date makes no session expire, as the guide says', async t => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.teardown(() => { mock.timers.reset() })
  const store = new SessionFileStore({ sessionDir: join(t.testdir(), 'sessions'), idleTimeout: 60 })
  await store.open()
  const sesid = await store.newSession()
  mock.timers.tick(3600_000)
  t.equal(await store.getSession(sesid), '')
})
