import t from 'tap'
import { KeyNames } from '../../../lib/store/redis/key-names'
import { redisStoreOptions } from '../../../lib/store/redis/options'

const client = {
  isOpen: true,
  isReady: true,
  sendCommand: async () => null,
  multi: () => ({ addCommand: () => null, execAsPipeline: async () => null }),
  duplicate: () => null
}
const glide = { customCommand: async () => null, close: () => {} }

t.test('the defaults', async t => {
  t.match(redisStoreOptions({ client }), { appid: 'sid', idleTimeout: 7200, prefix: 'file-sessions:', timeout: 5, replicas: undefined, cache: undefined })
  t.match(redisStoreOptions({ client, replicas: { count: 2 }, cache: {} }), {
    replicas: { count: 2, timeout: 1 }, cache: { maxSize: 32 * 1024 * 1024, maxStaleness: 1 }
  })
  t.match(redisStoreOptions({ client, timeout: 0.5, replicas: { count: 1 } }), { replicas: { timeout: 0.5 } })
})

t.test('options that make no sense', async t => {
  const wrong: Array<[object, RegExp]> = [
    [{}, /option client must be a client of redis 5 or 6 .*ioredis.*valkey-glide/],
    [{ client: null }, /option client/],
    [{ client: 'redis://localhost' }, /option client/],
    [{ client: {} }, /option client/],
    [{ client, prefix: 7 }, /option prefix/],
    [{ client, prefix: '{app}:' }, /option prefix must be a string without/],
    [{ client, timeout: 0 }, /option timeout/],
    [{ client, timeout: 31 }, /option timeout .* at most 30/],
    [{ client, appid: '' }, /option appid/],
    [{ client, tls: true }, /option tls is not known/],
    [{ client, replicas: null }, /option replicas/],
    [{ client, replicas: { number: 1 } }, /option number is not known/],
    [{ client, replicas: { count: 0 } }, /option replicas\.count/],
    [{ client, replicas: { count: 1, timeout: 6 } }, /option replicas\.timeout .* at most the option timeout/],
    [{ client: glide, replicas: { count: 1 } }, /option replicas cannot be kept with a client of valkey-glide/],
    [{ client, cache: null }, /option cache/],
    [{ client, cache: { ttl: 1 } }, /option ttl is not known/],
    [{ client, cache: { maxSize: 0.5 } }, /option cache\.maxSize/],
    [{ client, cache: { maxStaleness: 0 } }, /option cache\.maxStaleness/],
    [{ client: glide, cache: {} }, /option cache cannot be kept right with a client of valkey-glide/]
  ]
  for (const [options, message] of wrong) t.throws(() => redisStoreOptions(options as never), { code: 'SESSION_OPTION', message })
})

t.test('the keys of an appid', async t => {
  const names = new KeyNames('p[a]*:', 'a*b!%\'')
  const name = '0'.repeat(64)
  t.equal(names.keyOf(name), `p[a]*:a%2Ab%21%25%27:{${name}}`)
  t.equal(names.asideOf(name, 'id'), `p[a]*:a%2Ab%21%25%27:{${name}}:aside:id`)
  t.equal(names.patternWith('k?'), 'k\\?p\\[a\\]\\*:a%2Ab%21%25%27:{*}')
  t.equal(names.nameOf(`kp:${names.keyOf(name)}`), name)
  t.equal(names.nameOf('p[a]*:other:{x}'), null)
})
