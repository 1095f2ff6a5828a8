import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import session from 'express-session'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import fileSessions, { fromConnectStore, SessionFileStore, type FileSessionsOptions, type SessionStore } from '../../index'
import { Client } from '../support/client'
import { listen } from '../support/serve'
import { undeclared } from '../support/undeclared'

/** Everything that is logged, from trace upwards. */
async function start (t: Test, options: FileSessionsOptions) {
  const lines: string[] = []
  const stream = new Writable({ write (chunk, _encoding, done) { lines.push(String(chunk)); done() } })
  const app = Fastify({ logger: { level: 'trace', stream } })
  await app.register(fileSessions, options)
  app.post('/set', async request => { request.session.set('card', 'confidential'); return 'ok' })
  app.get('/read', async request => String(request.session.isNew))
  app.post('/change', async request => { request.session.set('more', `confidential ${Math.random()}`); return 'ok' })
  app.post('/update', async request => { await undeclared(request).update(draft => { draft.n = 'confidential' }); return 'ok' })
  app.post('/save', async request => { request.session.set('a', 1); await request.session.save(); return 'ok' })
  app.post('/reload', async request => { await request.session.reload(); return 'ok' })
  app.post('/login', async request => { await undeclared(request).regenerate(['card']); return 'ok' })
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
  const client = new Client(await listen(t, app))
  const sesids = new Set<string>()
  const send = async (method: string, path: string): Promise<number> => {
    const { status } = await client.request(method, path)
    if (client.sesid !== '') sesids.add(client.sesid)
    return status
  }
  function checkLines (t: Test): void {
    const log = lines.join('')
    for (const sesid of sesids) t.notOk(log.includes(sesid), 'no line has the id')
    t.notOk(log.includes('confidential'), 'no line has data')
  }
  return { app, client, send, lines, sesids, checkLines }
}

function level (lines: string[], message: RegExp): number[] {
  return lines.map(line => JSON.parse(line) as { level: number, msg: string }).filter(({ msg }) => message.test(msg)).map(({ level }) => level)
}

async function wholeLife ({ client, send }: Awaited<ReturnType<typeof start>>): Promise<void> {
  await send('POST', '/set')
  for (const path of ['/change', '/update', '/save', '/reload', '/login', '/remember', '/login', '/logout']) {
    const { cookie } = client
    await send('POST', path)
    await send('GET', '/read')
    const now = client.cookie
    client.cookie = cookie
    await send('GET', '/read')
    client.cookie = now
  }
}

t.test('a whole life of sessions in files', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const site = await start(t, { sessionDir })
  const { client, send, lines, app } = site
  await wholeLife(site)
  t.match(level(lines, /names no live session/), [20], 'an unknown cookie is worth a debug line')

  await send('POST', '/set')
  t.equal(await send('POST', '/destroyed-meanwhile'), 200)
  t.strictSame(level(lines, /destroyed in the meantime/), [20])

  await send('POST', '/set')
  await app.sessionStore.putSession(client.sesid, '{"card":"confidential",')
  t.equal(await send('GET', '/read'), 200)
  t.strictSame(level(lines, /set aside/), [40], 'an undecodable session is worth a warning')
  client.cookie = ''
  await send('POST', '/set')
  t.equal(await send('POST', '/undecodable-meanwhile'), 500)

  client.cookie = ''
  await send('POST', '/set')
  await rename(sessionDir, `${sessionDir}.away`)
  await writeFile(sessionDir, '')
  t.equal(await send('GET', '/read'), 500)
  t.equal(await send('POST', '/change'), 500)
  client.cookie = ''
  t.equal(await send('POST', '/set'), 500)
  t.ok(level(lines, /cannot/).every(level => level === 50))
  t.ok(site.sesids.size >= 5)
  site.checkLines(t)
})

t.test('and in another store, which fails and quotes the id', async t => {
  const memory = new session.MemoryStore()
  const site = await start(t, { store: fromConnectStore(memory) })
  await wholeLife(site)
  await site.send('POST', '/set')
  memory.get = sesid => { throw new Error(`broken: ${sesid}`) }
  t.equal(await site.send('GET', '/read'), 500)
  memory.set = (sesid, data, done) => { done?.(new Error(`broken: ${sesid} ${JSON.stringify(Object.keys(data))}`)) }
  site.client.cookie = ''
  t.equal(await site.send('POST', '/set'), 500)
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
    await site.send('POST', '/set')
    await site.send('GET', '/read')
    t.match(site.lines.join(''), message)
    site.checkLines(t)
  }
})
