import { EventEmitter } from 'node:events'
import t from 'tap'
import type { PostgresClient } from '../../../lib/store/postgres/options'
import { PoolErrors } from '../../../lib/store/postgres/pool-errors'

function pool (): EventEmitter & PostgresClient {
  return Object.assign(new EventEmitter(), { query: async () => ({ rows: [] }) })
}

t.test('a connection that is lost while it is idle does not end the process', async t => {
  const client = pool()
  const errors = new PoolErrors(client)
  t.throws(() => client.emit('error', new Error('lost')), { message: 'lost' })
  errors.listen()
  t.doesNotThrow(() => client.emit('error', new Error('lost')))
  errors.listen()
  t.equal(client.listenerCount('error'), 1, 'once, however often it is called')
  errors.leave()
  errors.leave()
  t.equal(client.listenerCount('error'), 0)
})

t.test('what the app hears is left to the app', async t => {
  const client = pool()
  const own = (): void => {}
  client.on('error', own)
  const errors = new PoolErrors(client)
  errors.listen()
  t.strictSame(client.listeners('error'), [own])
  errors.leave()
  t.strictSame(client.listeners('error'), [own])
})

t.test('a pool with many stores has one listener, until the last of them is closed', async t => {
  const client = pool()
  const [first, second] = [new PoolErrors(client), new PoolErrors(client)]
  first.listen()
  second.listen()
  t.equal(client.listenerCount('error'), 1)
  first.leave()
  first.leave()
  t.equal(client.listenerCount('error'), 1)
  second.leave()
  t.equal(client.listenerCount('error'), 0)
})

t.test('a client that tells of no events is taken as it is', async t => {
  const errors = new PoolErrors({ query: async () => ({ rows: [] }) })
  t.doesNotThrow(() => { errors.listen(); errors.leave() })
})
