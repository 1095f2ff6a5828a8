import Fastify from 'fastify'
import { on, once } from 'node:events'
import { stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import WebSocket from 'ws'
import { websocketApp } from './apps/websocket'
import { Client } from '../support/client'
import { listen } from '../support/serve'
import { sessionFiles } from '../support/session-files'

async function start (t: Test): Promise<{ origin: string, sessionDir: string }> {
  const sessionDir = join(t.testdir(), 'sessions')
  const app = Fastify()
  await websocketApp(app, sessionDir)
  return { origin: await listen(t, app), sessionDir }
}

/** A connection whose messages are read one by one. */
class Line {
  readonly socket: WebSocket
  readonly opened: Promise<unknown>
  readonly #messages: AsyncIterableIterator<unknown[]>

  constructor (visitor: Client, url: string) {
    this.socket = new WebSocket(url.replace('http', 'ws'), { headers: { cookie: visitor.cookie } })
    this.opened = once(this.socket, 'open')
    this.#messages = on(this.socket, 'message') as AsyncIterableIterator<unknown[]>
  }

  async next (): Promise<string> {
    const { value } = await this.#messages.next()
    return String(value[0])
  }

  async ask (message: string): Promise<string> {
    this.socket.send(message)
    return await this.next()
  }
}

async function loggedIn (origin: string): Promise<Client> {
  const visitor = new Client(origin)
  await visitor.post('/login/alice')
  return visitor
}

t.test('the session is read in the upgrade and changed by messages', async t => {
  const { origin } = await start(t)
  const visitor = await loggedIn(origin)
  const line = new Line(visitor, `${origin}/live`)
  t.equal(await line.next(), 'hello alice')
  t.equal(await line.ask('1'), 'counter 1')
  t.same(JSON.parse((await visitor.get('/')).text), { counter: 1 })
  const closed = once(line.socket, 'close')
  line.socket.close()
  await closed
})

t.test('two connections of one session count together', async t => {
  const { origin } = await start(t)
  const visitor = await loggedIn(origin)
  const lines = [new Line(visitor, `${origin}/live`), new Line(visitor, `${origin}/live`)]
  for (const line of lines) await line.next()
  const rounds = 25
  for (const line of lines) for (let round = 0; round < rounds; round++) line.socket.send('1')
  const counts: string[] = []
  for (const line of lines) for (let round = 0; round < rounds; round++) counts.push(await line.next())
  t.equal(new Set(counts).size, 2 * rounds, 'no step is counted twice, or lost')
  t.same(JSON.parse((await visitor.get('/')).text), { counter: 2 * rounds })
  for (const line of lines) line.socket.terminate()
})

t.test('a visitor without a session is turned away before the upgrade', async t => {
  const { origin, sessionDir } = await start(t)
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/live`)
  const [error] = await once(socket, 'error') as [Error]
  t.match(error.message, /401/)
  t.same(sessionFiles(sessionDir), [])
})

t.test('logging out ends what a connection can do', async t => {
  const { origin, sessionDir } = await start(t)
  const visitor = await loggedIn(origin)
  const line = new Line(visitor, `${origin}/live`)
  await line.next()
  await visitor.post('/logout')
  const closed = once(line.socket, 'close')
  line.socket.send('1')
  const [code, reason] = await closed as [number, Buffer]
  t.equal(code, 4401)
  t.equal(String(reason), 'logged out')
  t.same(sessionFiles(sessionDir), [], 'the session is not brought back')
})

t.test('save() from a message, beside requests that change other things', async t => {
  const { origin, sessionDir } = await start(t)
  const visitor = await loggedIn(origin)
  const counting = new Line(visitor, `${origin}/live`)
  const renaming = new Line(visitor, `${origin}/rename`)
  await counting.next()
  await renaming.opened
  t.equal(await counting.ask('5'), 'counter 5')
  t.equal(await renaming.ask('bob'), 'saved')
  t.same(JSON.parse((await visitor.get('/name')).text), { userName: 'bob' })
  t.same(JSON.parse((await visitor.get('/')).text), { counter: 5 }, 'saved without the counter that came later than its session')
  t.equal(await counting.ask('5'), 'counter 10')

  await visitor.post('/logout')
  t.equal(await renaming.ask('carol'), 'logged out')
  t.same(sessionFiles(sessionDir), [])
  for (const line of [counting, renaming]) line.socket.terminate()
})

t.test('touch() and save() keep a session alive that only its connection uses', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const app = Fastify()
  await websocketApp(app, sessionDir)
  const visitor = await loggedIn(await listen(t, app))
  const line = new Line(visitor, `${app.listeningOrigin}/rename`)
  await line.opened
  const [file = ''] = sessionFiles(sessionDir)
  const before = new Date(Date.now() - 7000_000)
  await utimes(file, before, before)
  t.equal(await line.ask('alice'), 'saved', 'the same name as before: nothing to be written')
  const { atimeMs } = await stat(file)
  t.ok(atimeMs > before.getTime() + 6000_000, 'the idle time starts anew')
  line.socket.terminate()
})
