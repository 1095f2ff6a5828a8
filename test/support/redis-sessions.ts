import { createClient } from 'redis'
import type { RedisServer, Test } from './redis-server'

/** A connection that looks at what stores have left on a server, and changes it. */
export class RedisSessions {
  private constructor (readonly client: { sendCommand (command: string[]): Promise<unknown> }) {}

  static async connect (t: Test, server: Pick<RedisServer, 'url'>): Promise<RedisSessions> {
    const client = createClient({ url: server.url, RESP: 2 })
    t.teardown(() => { client.destroy() })
    client.on('error', () => {})
    await client.connect()
    return new RedisSessions(client)
  }

  async keys (pattern = '*'): Promise<string[]> {
    return await this.client.sendCommand(['KEYS', pattern]) as string[]
  }

  /** Lets time pass for the session of this key, in milliseconds. */
  async age (key: string, milliseconds: number): Promise<void> {
    await this.client.sendCommand(['EVAL', AGE, '1', key, String(milliseconds)])
  }

  /** Puts something else under this key, that is not a session. */
  async spoil (key: string): Promise<void> {
    await this.client.sendCommand(['DEL', key])
    await this.client.sendCommand(['RPUSH', key, 'other'])
  }

  /** Returns all keys of a pattern with what they hold. */
  async dump (pattern: string): Promise<Buffer> {
    const keys = await this.keys(pattern)
    const values = await Promise.all(keys.map(key => this.client.sendCommand(['GET', key])))
    return Buffer.from([...keys, ...values].join('\n'))
  }
}

const AGE = `
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return end
local head = redis.call('GETRANGE', KEYS[1], 0, 40)
local by = tonumber(ARGV[1])
local function earlier (from, to) return string.format('%013d', tonumber(string.sub(head, from, to)) - by) end
redis.call('SETRANGE', KEYS[1], 2, earlier(3, 15) .. earlier(16, 28) .. earlier(29, 41))
redis.call('PEXPIRE', KEYS[1], string.format('%d', left - by))
`
