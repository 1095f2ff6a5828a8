import { performance } from 'node:perf_hooks'
import { Deadlines } from '../deadlines'
import { Recent } from '../recent'
import { failureOf, storeError } from './failures'
import type { KeyNames } from './key-names'
import type { RedisConnection } from './redis-client'

/** So many keys the server looks at for one answer. */
const PAGE = 200

/** Of so many names at most a listing knows that it has had them. */
const REMEMBERED = 10_000

/**
 * Yields the names of the sessions of an appid, a page at a time, from every primary. A session that
 * comes while this runs may be left out. A server whose number of keys shrinks a lot meanwhile names some
 * twice, soon one after the other, because its table has a place less for them; so a limited memory of names
 * finds them.
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
  const seen = new Recent(REMEMBERED)
  const pattern = names.patternWith(connection.keyPrefix)
  for (const run of await ask(connection.servers())) {
    let cursor = '0'
    do {
      const [next, keys] = await ask(run(['SCAN', cursor, 'MATCH', pattern, 'COUNT', String(PAGE)])) as [unknown, unknown[]]
      cursor = String(next)
      const found: string[] = []
      for (const key of keys) {
        const name = names.nameOf(String(key))
        if (name === null) continue
        seen.get(name, () => {
          found.push(name)
          return name
        })
      }
      if (found.length > 0) yield found
    } while (cursor !== '0')
  }
}
