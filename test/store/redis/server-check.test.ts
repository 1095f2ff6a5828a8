import t from 'tap'
import { RedisSessionStore } from '../../../redis'
import { DONE } from '../../../lib/store/redis/scripts'
import { ScriptedNodeRedis } from '../../support/scripted-node-redis'

function storeOf (version: string): RedisSessionStore {
  const client = new ScriptedNodeRedis()
  client.answer = ([verb, section]) => {
    if (verb !== 'INFO') return [1000, DONE]
    return section === 'server' ? `# Server\r\n${version === '' ? '' : `redis_version:${version}\r\n`}os:Linux\r\n` : 'maxmemory_policy:noeviction\r\n'
  }
  return new RedisSessionStore({ client })
}

t.test('a server that is too old', async t => {
  for (const version of ['5.0.14', '6.0.16']) {
    await t.rejects(storeOf(version).open(), { name: 'SessionStoreError', message: new RegExp(`is Redis ${version}: sessions need Redis 6\\.2`) })
  }
  for (const version of ['6.2.0', '7.0.15', '10', '']) {
    const store = storeOf(version)
    await store.open()
    t.strictSame(store.warnings, [], version)
  }
})

t.test('a server whose connection was lost is asked again', async t => {
  for (const [failures, message, asked, warnings] of [
    [1, 'Socket closed unexpectedly', 3, []],
    [2, 'Socket closed unexpectedly', 2, [/does not tell its version and maxmemory-policy \(INFO: LOST\)/]],
    [1, "NOPERM this user has no permissions to run the 'info' command", 1, [/\(INFO: NOPERM\)/]]
  ] as const) {
    const client = new ScriptedNodeRedis()
    let count = 0
    client.answer = ([verb, section]) => {
      if (verb !== 'INFO') return [1000, DONE]
      if (++count <= failures) throw new Error(message)
      return section === 'server' ? 'redis_version:7.0.15\r\n' : 'maxmemory_policy:noeviction\r\n'
    }
    const store = new RedisSessionStore({ client })
    await store.open()
    t.equal(count, asked)
    t.match(store.warnings, warnings)
    t.equal(store.warnings.length, warnings.length)
  }
})
