import { performance } from 'node:perf_hooks'
import { Deadlines } from '../deadlines'
import { Recent } from '../recent'
import { failureOf, storeError } from './failures'
import type { KeyNames } from './key-names'
import { AnswerOfAnother } from './own-answers'
import type { RedisConnection } from './redis-connection'

/** For messages. */
const DOING = 'list the sessions'

/** Keys that the server looks at for one answer. */
const PAGE = 200

/** Of so many names at most a listing knows that it has had them. */
const REMEMBERED = 10_000

/**
 * Yields the names of the sessions of an appid, a page at a time, from every primary. A session that
 * comes while this runs may be left out. A server whose number of keys shrinks a lot meanwhile names some
 * twice, soon one after the other, because its table has a place less for them; so a limited memory of names
 * finds them. `timeout`: seconds for each page.
 *
 * @throws {SessionStoreError}
 */
export async function * scanNames (connection: RedisConnection, names: KeyNames, timeout: number): AsyncGenerator<string[], void> {
  const seen = new Recent(REMEMBERED)
  for await (const keys of scanKeys(connection, names.patternWith(connection.keyPrefix), timeout)) {
    const found: string[] = []
    for (const key of keys) {
      const name = names.nameOf(key)
      if (name === null) continue
      seen.get(name, () => {
        found.push(name)
        return name
      })
    }
    if (found.length > 0) yield found
  }
}

/** Yields the keys that fit a pattern, a page at a time, from every primary; some may come twice. @throws {SessionStoreError} */
export async function * scanKeys (connection: RedisConnection, pattern: string, timeout: number): AsyncGenerator<string[], void> {
  const deadlines = new Deadlines()
  const ask = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await deadlines.watch(answer, performance.now() + timeout * 1000)
    } catch (error) {
      throw storeError(DOING, failureOf(error), false)
    }
  }
  for (const run of await ask(connection.servers())) {
    let cursor = '0'
    do {
      const { next, keys } = page(await ask(run(['SCAN', cursor, 'MATCH', pattern, 'COUNT', String(PAGE)])))
      cursor = next
      yield keys
    } while (cursor !== '0')
  }
}

/** Returns what SCAN answered. @throws {SessionStoreError} when it is the answer to another command (see `own-answers.ts`) */
function page (answer: unknown): { next: string, keys: string[] } {
  const [next, keys] = Array.isArray(answer) ? answer as unknown[] : []
  if (!/^\d+$/.test(String(next)) || !Array.isArray(keys)) throw storeError(DOING, failureOf(new AnswerOfAnother()), false)
  return { next: String(next), keys: keys.map(String) }
}
