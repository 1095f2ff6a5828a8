import { performance } from 'node:perf_hooks'
import { Deadlines } from '../deadlines'
import { failureOf, storeError } from './failures'
import type { KeyNames } from './key-names'
import type { RedisConnection } from './redis-client'

/** So many keys the server looks at for one answer. */
const PAGE = 200

/**
 * Yields the names of the sessions of an appid, a page at a time, from every primary. A session that
 * comes while this runs may be left out. The server may name one twice, while its number of keys grows or
 * shrinks a lot; to know that, all names would have to be remembered.
 *
 * @throws {SessionStoreError}
 */
export async function * scanNames (connection: RedisConnection, names: KeyNames, timeout: number): AsyncGenerator<string[], void> {
  const deadlines = new Deadlines()
  const ask = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await deadlines.watch(answer, performance.now() + timeout * 1000)
    } catch (error) {
      throw storeError('list the sessions', failureOf(error), false)
    }
  }
  const pattern = names.patternWith(connection.keyPrefix)
  for (const run of await ask(connection.servers())) {
    let cursor = '0'
    do {
      const [next, keys] = await ask(run(['SCAN', cursor, 'MATCH', pattern, 'COUNT', String(PAGE)])) as [unknown, unknown[]]
      cursor = String(next)
      const found = keys.map(key => names.nameOf(String(key))).filter(name => name !== null)
      if (found.length > 0) yield found
    } while (cursor !== '0')
  }
}
