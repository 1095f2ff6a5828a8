import t from 'tap'
import { RedisSessionStore } from '../../../redis'
import { KeyNames } from '../../../lib/store/redis/key-names'
import { scanNames } from '../../../lib/store/redis/key-scan'
import { ScriptedRedis } from '../../support/scripted-redis'
import { ScriptedNodeRedis } from '../../support/scripted-node-redis'

const names = new KeyNames('p:', 'sid')
const name = (digit: number): string => String(digit % 10).repeat(64)

t.test('pages of a listing', async t => {
  const redis = new ScriptedRedis()
  const pages: Record<string, [string, string[]]> = {
    0: ['7', [names.keyOf(name(1)), names.asideOf(name(1), 'id'), 'p:sid:{other}']],
    7: ['9', []],
    9: ['0', [names.keyOf(name(2))]]
  }
  redis.answer = ([, cursor = '']) => pages[cursor]
  const found: string[][] = []
  for await (const page of scanNames(redis, names, 1)) found.push(page)
  t.strictSame(found, [[name(1)], [name(2)]])
})

t.test('a session that the server names again is listed once', async t => {
  const redis = new ScriptedRedis()
  redis.answer = ([, cursor = '']) => cursor === '0' ? ['7', [names.keyOf(name(1)), names.keyOf(name(2))]] : ['0', [names.keyOf(name(2)), names.keyOf(name(3))]]
  const found: string[] = []
  for await (const page of scanNames(redis, names, 1)) found.push(...page)
  t.strictSame(found, [name(1), name(2), name(3)])
})

t.test('a server that fails in the middle', async t => {
  const redis = new ScriptedRedis()
  redis.answer = ([, cursor = '']) => {
    if (cursor !== '0') throw new Error('NOPERM this user has no permissions')
    return ['7', [names.keyOf(name(1))]]
  }
  const listing = scanNames(redis, names, 1)
  t.match(await listing.next(), { value: [name(1)] })
  await t.rejects(listing.next(), { name: 'SessionStoreError', message: /cannot list the sessions in Redis: NOPERM/ })
})

t.test('the answer to another command is not taken for a page', async t => {
  const redis = new ScriptedRedis()
  for (const answer of ['PONG', [4e12, 7, null], ['no cursor', []]]) {
    redis.answer = () => answer
    await t.rejects(scanNames(redis, names, 1).next(), { name: 'SessionStoreError', message: /cannot list the sessions in Redis: the client hands out answers to other/ })
  }
})

t.test('few texts are read at once', async t => {
  const client = new ScriptedNodeRedis()
  let [reading, most] = [0, 0]
  client.answer = async ([verb, , count]) => {
    if (verb === 'SCAN') return ['0', Array.from({ length: 200 }, (_, index) => `file-sessions:sid:{${String(index).padStart(64, '0')}}`)]
    reading += Number(count)
    most = Math.max(most, reading)
    await new Promise(setImmediate)
    reading -= Number(count)
    return [1000, ...Array(Number(count)).fill(null)]
  }
  for await (const text of new RedisSessionStore({ client }).texts()) t.fail(text)
  t.equal(most, 8)
})
