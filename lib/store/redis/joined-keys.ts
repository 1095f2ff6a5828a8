import { performance } from 'node:perf_hooks'
import { Deadlines } from '../deadlines'
import { randomId, storageName } from '../session-id'
import type { KeyNames } from './key-names'
import type { RedisConnection } from './redis-connection'

/** Keys that are tried: a proxy hardly ever puts all of them on one server by chance. */
const KEYS = 16

const COUNT = `
local count = 0
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) then count = count + 1 end
end
return count`

/**
 * Whether one command reaches the keys of several sessions. Some proxies spread keys over servers, and send a script
 * to the server of its first key: the sessions of the others would seem to have ended. `timeout`: seconds for each step.
 */
export async function reachesKeysTogether (connection: RedisConnection, names: KeyNames, timeout: number): Promise<boolean> {
  const deadlines = new Deadlines()
  const run = (key: string, ...command: string[]): Promise<unknown> => deadlines.watch(connection.run(key, command), performance.now() + timeout * 1000)
  // Listings leave out what is set aside.
  const keys = Array.from({ length: KEYS }, () => names.asideOf(storageName('trial', randomId()), 'trial'))
  const [first] = keys as [string]
  try {
    await Promise.all(keys.map(key => run(key, 'SET', key, 'trial', 'PX', '60000')))
    const count = await run(first, 'EVAL', COUNT, String(KEYS), ...keys)
    await Promise.all(keys.map(key => run(key, 'DEL', key)))
    return Number(count) === KEYS
  } catch {
    // A cluster refuses it. Keys that are left expire.
    return false
  }
}
