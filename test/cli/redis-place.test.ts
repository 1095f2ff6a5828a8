import t from 'tap'
import { openRedis } from '../../lib/cli/redis-place'
import { serverUrl, type ServerUrl } from '../../lib/cli/server-url'
import { ScriptedNodeRedis } from '../support/scripted-node-redis'

const NAME = 'a'.repeat(64)
const URL = serverUrl('redis://:password@host:6380/2?prefix=test:') as ServerUrl

/** A client of node-redis, as `createClient` returns it, with these keys on its server. */
class Client extends ScriptedNodeRedis {
  given: unknown
  calls: string[] = []
  on (): void { this.calls.push('on') }
  async connect (): Promise<void> { this.calls.push('connect') }
  destroy (): void { this.calls.push('destroy') }
}

function nodeRedis (keys: string[] = []) {
  const client = new Client()
  client.answer = ([verb, , , pattern]) => verb === 'SCAN' ? ['0', keys] : `no answer to ${verb} ${pattern}`
  const exports = { createClient: (given: unknown) => { client.given = given; return client } }
  return { client, open: () => openRedis(URL, { maxSize: 1000 }, async () => ({ name: 'redis', exports })) }
}

t.test('the appids are those of the keys with the prefix that are sessions', async t => {
  const { client, open } = nodeRedis([
    `test:shop:{${NAME}}`, `test:shop:{${'b'.repeat(64)}}`, `test:__Host-admin:{${NAME}}`, `test:a%25b:{${NAME}}`,
    `test:index:shop:{${NAME}}`, `test:{${NAME}}`, 'test:other:{short}', `test:shop:{${NAME}}:more`,
    `test:of another%20program:{${NAME}}`, `test:%zz:{${NAME}}`
  ])
  const place = await open()
  t.match(client.given, { url: URL.address, socket: { reconnectStrategy: false } })
  t.equal(place.title, URL.title)
  t.notMatch(place.title, /password/)
  t.strictSame((await place.appids()).map(({ appid }) => appid), ['__Host-admin', 'a%b', 'shop'])
  t.match(client.sent, [['SCAN', '0', 'MATCH', 'test:*:{*}']])
  t.equal(place.store('shop', { idleTimeout: 60, absoluteTimeout: undefined }).sesAppid(), 'shop')
  await place.close()
  t.strictSame(client.calls, ['on', 'connect', 'destroy'], 'nobody listens for errors but the command')
})

t.test('a prefix means itself, and no pattern', async t => {
  const { client } = nodeRedis()
  const place = await openRedis({ ...URL, parameters: { prefix: 'a*[b]:' } }, { maxSize: 1000 }, async () => ({ name: 'redis', exports: { createClient: () => client } }))
  t.strictSame(await place.appids(), [])
  t.equal(client.sent[0]?.[3], 'a\\*\\[b\\]:*:{*}')
})

t.test('a server that cannot be reached is named, without the password', async t => {
  const { client, open } = nodeRedis()
  client.connect = async () => { throw new Error('ECONNREFUSED') }
  await t.rejects(open(), { code: 'SESSION_STORE', message: `cannot connect to ${URL.title}: ECONNREFUSED` })
})

t.test('of ioredis the first error counts, or that of connect when there was none', async t => {
  for (const [first, message] of [[new Error('ECONNREFUSED'), 'ECONNREFUSED'], [undefined, 'away']] as const) {
    class Redis {
      #listener = (_error: Error): void => {}
      on (_event: string, listener: (error: Error) => void): void { this.#listener = listener }
      async connect (): Promise<void> {
        if (first !== undefined) for (const error of [first, new Error('another')]) this.#listener(error)
        throw new Error('away')
      }
    }
    await t.rejects(openRedis(URL, { maxSize: 1000 }, async () => ({ name: 'ioredis', exports: { Redis } })), { message: new RegExp(`cannot connect to redis:.*: ${message}$`) })
  }
})
