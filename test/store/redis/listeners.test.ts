import t from 'tap'
import { connectionOf } from '../../../lib/store/redis/redis-client'
import type { Listening } from '../../../lib/store/redis/redis-connection'
import { ScriptedNodeRedis } from '../../support/scripted-node-redis'

const listening: Listening = { prefix: 'p:', channels: ['channel'], heard () {}, lost () {} }

/** A second connection whose step with this name fails. */
class Twin {
  isClosed = false
  constructor (private readonly failing: string) {}
  on (): void {}

  async connect (): Promise<void> {
    this.#step('connect')
  }

  async call (): Promise<void> {
    this.#step('call')
  }

  async sendCommand (): Promise<void> {
    this.#step('call')
  }

  async subscribe (): Promise<void> {
    this.#step('subscribe')
  }

  disconnect (): void {
    this.isClosed = true
  }

  destroy (): void {
    this.isClosed = true
    this.#step('destroy')
  }

  #step (name: string): void {
    if (name === this.failing) throw new Error(`${name} fails`)
  }
}

for (const step of ['connect', 'call', 'subscribe']) {
  t.test(`a listener that cannot be made, because ${step} fails, leaves no connection behind`, async t => {
    for (const clientOf of [nodeRedisOf, ioredisOf]) {
      const twin = new Twin(step)
      await t.rejects(connectionOf(clientOf(twin)).listen?.(listening) as Promise<unknown>, { message: `${step} fails` })
      t.ok(twin.isClosed, clientOf.name)
    }
  })
}

t.test('a listener whose connection is gone already can be closed', async t => {
  const listener = await connectionOf(nodeRedisOf(new Twin('destroy'))).listen?.(listening)
  t.doesNotThrow(() => { listener?.close() })
})

function nodeRedisOf (twin: Twin): ScriptedNodeRedis {
  return Object.assign(new ScriptedNodeRedis(), { twin })
}

function ioredisOf (twin: Twin): object {
  return { status: 'ready', options: {}, call: async () => null, pipeline: () => null, duplicate: () => twin }
}
