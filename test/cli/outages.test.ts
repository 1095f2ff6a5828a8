import t, { type Test } from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { PostgresSessionStore } from '../../lib/store/postgres/postgres-session-store'
import { RedisSessionStore } from '../../lib/store/redis/redis-session-store'
import type { PortableRecordStore } from '../../lib/store/session-store'
import { fileSessions, type Outcome } from '../support/command'
import { newSession } from '../support/new-session'
import { NO_POSTGRES, PostgresServer } from '../support/postgres-server'
import { RedisServer, redisIsMissing } from '../support/redis-server'
import { sessionDirectory } from '../support/session-files'
import { TcpProxy } from '../support/tcp-proxy'

const COUNT = 40
const STOPPED = /^file-sessions: stopped; to go on, run the command again when the server is back: .+\n$/
/** A request that works on a session. */
const CALL = 'EVALSHA'

interface World {
  sessionDir: string
  server: RedisServer
  redis: RedisSessionStore
  proxy: TcpProxy
  url: string
}

/** A directory, and an empty Redis behind a proxy. */
async function world (t: Test): Promise<World> {
  const server = await RedisServer.start(t, { appendonly: 'yes', appendfsync: 'always' })
  const client = createClient({ url: server.url })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => { client.destroy() })
  const proxy = await TcpProxy.start(server.port)
  t.teardown(() => proxy.stop())
  return { sessionDir: sessionDirectory(t), server, redis: new RedisSessionStore({ client, appid: 'shop' }), proxy, url: `redis://127.0.0.1:${proxy.port}` }
}

/** Does this once, at the call with this number, before it goes on to the server. It does so when `act` returns true. */
function atCall (proxy: TcpProxy, number: number, act: () => boolean): void {
  let calls = 0
  proxy.onRequest = bytes => !bytes.includes(CALL) || ++calls !== number || act()
}

/** Makes sessions and returns their texts, by name. */
async function fill (store: PortableRecordStore): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for (let number = 0; number < COUNT; number++) {
    const { name } = await newSession(store, `{"number":${number}}`)
    texts.set(name, `{"number":${number}}`)
  }
  return texts
}

async function textsIn (store: PortableRecordStore): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for await (const { name, text } of store.exportSessions()) texts.set(name, text)
  return texts
}

function copied (out: string): number {
  return Number(/^shop: (\d+) (?:copied|moved), 0 present, 0 expired, 0 failed\n$/.exec(out)?.[1])
}

t.test('copying, and a Redis that goes away', { skip: redisIsMissing }, async t => {
  for (const move of [[], ['--move']]) {
    for (const direction of ['to', 'from']) {
      const verb = ['copy', ...move].join(' ')
      // A listing reads them in few calls: what a copy from the server would still do is not seen by it.
      const number = move.length > 0 ? 50 : direction === 'to' ? 20 : 1

      await t.test(`${verb} ${direction} one that stands still`, async t => {
        const { sessionDir, server, redis, proxy, url } = await world(t)
        const files = new SessionFileStore({ sessionDir, appid: 'shop' })
        const [source, target] = direction === 'to' ? [files, redis] : [redis, files]
        const texts = await fill(source)
        const places = direction === 'to' ? [sessionDir, url] : [url, sessionDir]
        atCall(proxy, number, () => {
          server.stop()
          return true
        })
        const { exitCode, out, err } = await fileSessions([verb.split(' '), places].flat())
        t.equal(exitCode, 2)
        t.match(err, STOPPED)
        t.match(err, /the server did not answer in time/)
        t.ok(copied(out) < COUNT, out)
        server.continue()
        t.match(await fileSessions([verb.split(' '), places].flat()), { exitCode: 0, err: '', out: /0 expired, 0 failed/ })
        t.strictSame(await textsIn(target), texts)
        t.equal((await textsIn(source)).size, move.length > 0 ? 0 : COUNT)
      })

      await t.test(`${verb} ${direction} one that is killed`, async t => {
        const { sessionDir, server, redis, proxy, url } = await world(t)
        const files = new SessionFileStore({ sessionDir, appid: 'shop' })
        const [source, target] = direction === 'to' ? [files, redis] : [redis, files]
        const texts = await fill(source)
        const places = direction === 'to' ? [sessionDir, url] : [url, sessionDir]
        let killed: Promise<void> | undefined
        atCall(proxy, number, () => {
          killed = server.kill()
          return false
        })
        const { exitCode, out, err } = await fileSessions([verb.split(' '), places].flat())
        t.equal(exitCode, 2)
        t.match(err, STOPPED)
        t.match(err, /the connection to the server was lost: is it running, and can this machine reach it\?\n$/)
        t.notMatch(err, /client/, 'what apps are told helps no user of a command')
        t.ok(copied(out) < COUNT, out)
        await killed
        await server.start()
        t.match(await fileSessions([verb.split(' '), places].flat()), { exitCode: 0, err: '', out: /0 expired, 0 failed/ })
        while (!await redis.read('0'.repeat(64)).then(() => true, () => false));
        t.strictSame(await textsIn(target), texts)
        t.equal((await textsIn(source)).size, move.length > 0 ? 0 : COUNT)
      })
    }
  }
})

t.test('copying, and a command that is killed', { skip: redisIsMissing }, async t => {
  const command = join(__dirname, '../../lib/cli/main.ts')
  for (const move of [[], ['--move']]) {
    for (const direction of ['to', 'from']) {
      await t.test(['copy', ...move, direction].join(' '), async t => {
        const { sessionDir, redis, proxy, url } = await world(t)
        const files = new SessionFileStore({ sessionDir, appid: 'shop' })
        const [source, target] = direction === 'to' ? [files, redis] : [redis, files]
        const texts = await fill(source)
        const line = ['copy', ...move, ...direction === 'to' ? [sessionDir, url] : [url, sessionDir]]
        // A session moves by so many calls: the command is killed at each of them.
        for (let number = 20; number < (move.length === 0 ? 21 : 28); number++) {
          const child = spawn(process.execPath, [...process.execArgv, command, ...line], { stdio: 'ignore' })
          atCall(proxy, number, () => {
            child.kill('SIGKILL')
            // Whether the server carries out the last one makes a difference.
            return number % 2 === 0
          })
          const [exitCode, signal] = await once(child, 'exit')
          if (direction === 'to' || move.length > 0) t.strictSame([exitCode, signal], [null, 'SIGKILL'])
        }
        proxy.onRequest = () => true
        t.match(await fileSessions(line), { exitCode: 0, err: '', out: /0 expired, 0 failed/ })
        t.strictSame(await textsIn(target), texts)
        t.equal((await textsIn(source)).size, move.length > 0 ? 0 : COUNT, 'those that were moved are not in the old place, nor is a mark')
      })
    }
  }
})
