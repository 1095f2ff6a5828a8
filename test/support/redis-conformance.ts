import type { Test } from 'tap'
import { conformance } from '../../lib/conformance/conformance'
import { RedisSessionStore } from '../../redis'
import type { Connect } from './redis-clients'
import { RedisServer, redisIsMissing } from './redis-server'
import { RedisSessions } from './redis-sessions'

/** Checks that the store keeps what it declares with a kind of client. */
export function redisConformance (t: Test, client: string, connect: Connect): void {
  t.test(`the Redis store keeps what it declares, with ${client}`, { skip: redisIsMissing }, async t => {
    const server = await RedisServer.start(t)
    const look = await RedisSessions.connect(t, server)
    const shared = await connect(t, server.port)
    const { leftOut } = conformance({
      test: (name, run) => { t.test(name, run) },
      makeStore: ({ place, ...setup }) => new RedisSessionStore({ client: shared, prefix: `${place}:`, ...setup }),
      features: { records: true, iterable: true, readable: true, portable: true, indexable: true },
      maxSize: 1024 * 1024,
      async age (place, name, milliseconds) {
        for (const key of await look.keys(`${place}:*${name}*`)) await look.age(key, milliseconds)
      },
      dump: place => look.dump(`${place}:*`),
      async fail (place) {
        for (const key of await look.keys(`${place}:*`)) await look.spoil(key)
      }
    })
    t.match(leftOut, [])
  })
}
