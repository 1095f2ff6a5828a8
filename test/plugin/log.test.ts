import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import session from 'express-session'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import fileSessions, { fromConnectStore, SessionFileStore, type FileSessionsOptions, type SessionStore } from '../../index'

/** Everything that is logged, from trace upwards. */
async function start (t: Test, options: FileSessionsOptions) {
  const lines: string[] = []
  const stream = new Writable({ write (chunk, _encoding, done) { lines.push(String(chunk)); done() } })
  const app = Fastify({ logger: { level: 'trace', stream } })
  await app.register(fileSessions, options)
  app.post('/set', async request => { request.session.set('card', 'confidential'); return 'ok' })
  app.get('/read', async request => String(request.session.isNew))
  app.post('/change', async request => { request.session.set('more', `confidential ${Math.random()}`); return 'ok' })
  app.post('/update', async request => { await request.session.update(draft => { draft.n = 'confidential' }); return 'ok' })
  app.post('/save', async request => { request.session.set('a', 1); await request.session.save(); return 'ok' })
  app.post('/reload', async request => { await request.session.reload(); return 'ok' })
  app.post('/login', async request => { await request.session.regenerate(['card']); return 'ok' })
  app.post('/remember', async request => { request.session.options({ maxAge: 100 }); return 'ok' })
  app.post('/logout', async request => { await request.session.destroy(); return 'ok' })
  app.post('/destroyed-meanwhile', async request => {
    await (app.sessionStore as SessionStore).delSession(request.session.sessionId as string)
    request.session.set('late', 'confidential')
    return 'ok'
  })
  app.post('/undecodable-meanwhile', async request => {
    request.session.get('card')
    await app.sessionStore.putSession(request.session.sessionId as string, '"confidential')
    await request.session.reload()
  })
  t.teardown(() => app.close())
  const origin = await app.listen({ port: 0 })
  const sesids = new Set<string>()
  const client = {
    cookie: '',
    get sesid (): string { return client.cookie.slice('sid='.length) },
    async send (method: string, path: string): Promise<number> {
      const response = await fetch(origin + path, { method, headers: client.cookie === '' ? {} : { cookie: client.cookie } })
      const setCookie = response.headers.get('set-cookie')
      if (setCookie !== null) client.cookie = setCookie.split(';')[0] as string
      if (client.sesid !== '') sesids.add(client.sesid)
      await response.text()
      return response.status
    }
  }
  function checkLines (t: Test): void {
    const log = lines.join('')
    for (const sesid of sesids) t.notOk(log.includes(sesid), 'no line has the id')
    t.notOk(log.includes('confidential'), 'no line has data')
  }
  return { app, client, lines, sesids, checkLines }
}

function level (lines: string[], message: RegExp): number[] {
  return lines.map(line => JSON.parse(line) as { level: number, msg: string }).filter(({ msg }) => message.test(msg)).map(({ level }) => level)
}

async function wholeLife ({ client }: Awaited<ReturnType<typeof start>>): Promise<void> {
  await client.send('POST', '/set')
  for (const path of ['/change', '/update', '/save', '/reload', '/login', '/remember', '/login', '/logout']) {
    const { cookie } = client
    await client.send('POST', path)
    await client.send('GET', '/read')
    const now = client.cookie
    client.cookie = cookie
    await client.send('GET', '/read')
    client.cookie = now
  }
}

t.test('a whole life of sessions in files', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const site = await start(t, { sessionDir })
  const { client, lines, app } = site
  await wholeLife(site)
  t.match(level(lines, /names no live session/), [20], 'an unknown cookie is worth a debug line')

  await client.send('POST', '/set')
  t.equal(await client.send('POST', '/destroyed-meanwhile'), 200)
  t.strictSame(level(lines, /destroyed in the meantime/), [20])

  await client.send('POST', '/set')
  await app.sessionStore.putSession(client.sesid, '{"card":"confidential",')
  t.equal(await client.send('GET', '/read'), 200)
  t.strictSame(level(lines, /set aside/), [40], 'an undecodable session is worth a warning')
  client.cookie = ''
  await client.send('POST', '/set')
  t.equal(await client.send('POST', '/undecodable-meanwhile'), 500)

  client.cookie = ''
  await client.send('POST', '/set')
  await rename(sessionDir, `${sessionDir}.away`)
  await writeFile(sessionDir, '')
  t.equal(await client.send('GET', '/read'), 500)
  t.equal(await client.send('POST', '/change'), 500)
  client.cookie = ''
  t.equal(await client.send('POST', '/set'), 500)
  t.ok(level(lines, /cannot/).every(level => level === 50))
  t.ok(site.sesids.size >= 5)
  site.checkLines(t)
})

t.test('and in another store, which fails and quotes the id', async t => {
  const memory = new session.MemoryStore()
  const site = await start(t, { store: fromConnectStore(memory) })
  await wholeLife(site)
  await site.client.send('POST', '/set')
  memory.get = sesid => { throw new Error(`broken: ${sesid}`) }
  t.equal(await site.client.send('GET', '/read'), 500)
  memory.set = (sesid, data, done) => { done?.(new Error(`broken: ${sesid} ${JSON.stringify(Object.keys(data))}`)) }
  site.client.cookie = ''
  t.equal(await site.client.send('POST', '/set'), 500)
  t.match(site.lines.join(''), /<session id>/)
  site.checkLines(t)
})

t.test('an undecodable text is told without the text', async t => {
  const decoders: Array<[RegExp, (text: string) => Record<string, unknown>]> = [
    [/cannot be decoded \(RangeError\)/, text => { throw new RangeError(text) }],
    [/cannot be decoded \(string\)/, text => { throw text }],
    [/cannot be decoded \(it is not an object\)/, text => [text] as unknown as Record<string, unknown>]
  ]
  for (const [message, decode] of decoders) {
    const store = new SessionFileStore({ sessionDir: join(t.testdir(), 'sessions') })
    const site = await start(t, { store, codec: { encode: JSON.stringify, decode } })
    await site.client.send('POST', '/set')
    await site.client.send('GET', '/read')
    t.match(site.lines.join(''), message)
    site.checkLines(t)
  }
})
