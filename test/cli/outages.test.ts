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
import type { PortableRecordStore } from '../../lib/store/store-abilities'
import { fileSessions, type Outcome } from '../support/command'
import { newSession } from '../support/new-session'
import { NO_POSTGRES, PostgresServer } from '../support/postgres-server'
import { RedisServer, redisIsMissing } from '../support/redis-server'
import { sessionDirectory } from '../support/session-files'
import { TcpProxy } from '../support/tcp-proxy'
import { isLong, rounds } from '../support/tier'

const COUNT = 40
/** The command is started for each case: `npm test` tries some of them. */
const MOVES = isLong ? [[], ['--move']] : [['--move']]
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

/** A directory and a Redis, one of them with sessions, to be copied to Redis or from it. */
async function filled (t: Test, direction: 'to' | 'from') {
  const { sessionDir, server, redis, proxy, url } = await world(t)
  const files = new SessionFileStore({ sessionDir, appid: 'shop' })
  const [source, target] = direction === 'to' ? [files, redis] : [redis, files]
  const places = direction === 'to' ? [sessionDir, url] : [url, sessionDir]
  return { server, redis, proxy, source, target, places, texts: await fill(source) }
}

async function textsIn (store: PortableRecordStore): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for await (const { name, text } of store.exportSessions()) texts.set(name, text)
  return texts
}

function copied (out: string): number {
  return Number(/^shop: (\d+) (?:copied|moved), 0 present, 0 expired, 0 failed\n$/.exec(out)?.[1])
}

t.test('copying, and a Redis that goes away', { skip: redisIsMissing, jobs: 4 }, async t => {
  const running: Array<Promise<unknown>> = []
  for (const move of MOVES) {
    for (const direction of ['to', 'from'] as const) {
      const verb = ['copy', ...move].join(' ')
      // A copy from the server takes no call but those of the listing.
      const number = move.length > 0 ? 50 : direction === 'to' ? 20 : 1

      running.push(t.test(`${verb} ${direction} one that stands still`, { buffered: true }, async t => {
        const { server, proxy, source, target, texts, places } = await filled(t, direction)
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
      }))

      running.push(t.test(`${verb} ${direction} one that is killed`, { buffered: true }, async t => {
        const { server, redis, proxy, source, target, texts, places } = await filled(t, direction)
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
      }))
    }
  }
  await Promise.all(running)
})

t.test('copying, and a command that is killed', { skip: redisIsMissing, jobs: 2 }, async t => {
  const running: Array<Promise<unknown>> = []
  const command = join(__dirname, '../../lib/cli/main.ts')
  for (const move of MOVES) {
    for (const direction of ['to', 'from'] as const) {
      running.push(t.test(['copy', ...move, direction].join(' '), { buffered: true }, async t => {
        const { proxy, source, target, texts, places } = await filled(t, direction)
        const line = ['copy', ...move, ...places]
        // A session moves by so many calls: the command is killed at each of them.
        for (let number = 20; number < (move.length === 0 ? 21 : rounds(22, 28)); number++) {
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
      }))
    }
  }
  await Promise.all(running)
})

/** The commands that work on a server, what is done before it goes away, and in how many calls that is. */
const COMMANDS = ([
  ['list', 1], ['verify', 1], ['clean', 1], ['reindex --module MODULE', 4],
  ['list --sessions --json', 1], ['clean --dry-run', 1], ['stats', 1], ['stats --watch --interval 1s', 1],
  ['of 42 --index user --appid shop', 1], ['revoke 42 --index user --appid shop', 1]
] as ReadonlyArray<readonly [command: string, calls: number]>).slice(0, rounds(4, Infinity))

t.test('the other commands stop at the first call that is not answered', { skip: redisIsMissing, jobs: COMMANDS.length }, async t => {
  const running: Array<Promise<unknown>> = []
  const { server, redis, sessionDir } = await world(t)
  await fill(redis)
  const client = createClient({ url: server.url })
  await client.connect()
  t.teardown(() => { client.destroy() })
  await fill(new RedisSessionStore({ client, appid: 'a-second' }))
  const file = join(dirname(sessionDir), 'indexes.mjs')
  writeFileSync(file, "export const indexes = { user: data => 'everyone' }")
  for (const [line, calls] of COMMANDS) {
    for (const goes of ['stands still', 'is lost'] as const) {
      running.push(t.test(`${line}, and a server that ${goes}`, { buffered: true }, async t => {
        const proxy = await TcpProxy.start(server.port)
        t.teardown(() => proxy.stop())
        let further = 0
        atCall(proxy, calls, () => {
          proxy.onRequest = bytes => {
            if (bytes.includes(CALL)) further++
            return false
          }
          if (goes === 'is lost') proxy.cut()
          return false
        })
        const [name = '', ...options] = line.replace('MODULE', file).split(' ')
        const { exitCode, err } = await fileSessions([name, `redis://127.0.0.1:${proxy.port}`, ...options])
        t.equal(exitCode, 2)
        t.match(err, goes === 'is lost' ? /^file-sessions: .*the connection to the server was lost: is it running[^\n]*\n$/ : /^file-sessions: .*the server did not answer in time[^\n]*\n$/)
        t.equal(further, 0)
      }))
    }
  }
  await Promise.all(running)
})

t.test('a PostgreSQL that stands still', { skip: NO_POSTGRES, jobs: 4 }, async t => {
  const running: Array<Promise<unknown>> = []
  const server = await PostgresServer.start(t)
  const { host, user, database } = server.address
  const pool = new Pool(server.address)
  pool.on('error', () => {})
  t.teardown(() => pool.end())
  const store = new PostgresSessionStore({ pool, appid: 'shop' })
  const texts = await fill(store)
  await fill(new PostgresSessionStore({ pool, appid: 'a-second' }))

  /** Runs a command through a proxy that lets nothing pass from the first request with these words on. */
  async function held (t: Test, words: string, line: (url: string) => string[]): Promise<Outcome> {
    const proxy = await TcpProxy.start(server.address.port)
    t.teardown(() => proxy.stop())
    proxy.onRequest = bytes => {
      if (bytes.includes(words)) proxy.hold()
      return !bytes.includes(words)
    }
    return await fileSessions(line(`postgres://${user as string}@${host as string}:${proxy.port}/${database as string}`))
  }

  for (const line of isLong ? ['list', 'verify', 'clean', 'clean --dry-run'] : ['list', 'clean']) {
    running.push(t.test(line, { buffered: true }, async t => {
      const { exitCode, err } = await held(t, line === 'clean' ? 'sweep' : 'texts', url => [...line.split(' '), url])
      t.equal(exitCode, 2)
      t.match(err, STOPPED)
      t.match(err, /no answer for 5 seconds/)
    }))
  }
  running.push(t.test('copy', { buffered: true }, async t => {
    const sessionDir = sessionDirectory(t)
    const copy = (url: string): string[] => ['copy', url, sessionDir, '--move', '--appid', 'shop']
    const { exitCode, err } = await held(t, 'replace', copy)
    t.equal(exitCode, 2)
    t.match(err, STOPPED)
    t.match(await fileSessions(copy(server.url)), { exitCode: 0, out: /failed\n$/ })
    t.strictSame(await textsIn(new SessionFileStore({ sessionDir, appid: 'shop' })), texts)
    t.strictSame((await textsIn(store)).size, 0)
  }))
  await Promise.all(running)
})
