import t from 'tap'
import { serverUrl, withoutSecrets } from '../../lib/cli/server-url'
import { fileSessions } from '../support/command'

t.test('which server an argument names', async t => {
  for (const directory of ['./sessions', '/var/lib/sessions', 'C:', 'redis:', 'sessions://'.slice(0, 8)]) t.equal(serverUrl(directory), null, directory)
  t.match(serverUrl('redis://anna:pass@host:6380/2'), { kind: 'redis', title: 'redis://host:6380/2', address: 'redis://anna:pass@host:6380/2' })
  t.match(serverUrl('rediss://host'), { kind: 'redis', address: 'rediss://host' })
  t.match(serverUrl('valkey://host'), { kind: 'redis', title: 'valkey://host', address: 'redis://host' })
  t.match(serverUrl('valkeys://host'), { address: 'rediss://host' })
  t.match(serverUrl('redis://host/1?prefix=shop%3A'), { address: 'redis://host/1', parameters: { prefix: 'shop:' } })
  t.match(serverUrl('postgresql://host/shop?table=s&schema=x&sslmode=require'),
    { kind: 'postgres', title: 'postgresql://host/shop', address: 'postgres://host/shop?sslmode=require', parameters: { table: 's', schema: 'x' } })
})

t.test('passwords appear in no message', async t => {
  const url = serverUrl('postgres://anna:p%40ss@host/shop?password=other')
  t.strictSame(url?.secrets, ['p%40ss', 'p@ss', 'other', 'other'])
  t.equal(withoutSecrets('p@ss and p%40ss', url?.secrets ?? []), '*** and ***')
  t.strictSame(serverUrl('redis://anna:100%@host')?.secrets.at(-1), '100%')
  for (const argument of ['redis://anna:hidden@host:port', 'http://anna:hidden@host/', 'redis://anna:hidden@127.0.0.1:1/', 'postgres://anna:hidden@127.0.0.1:1/x']) {
    const { exitCode, out, err } = await fileSessions(['list', argument])
    t.equal(exitCode, 2)
    t.equal(out, '')
    t.notMatch(err, 'hidden')
    t.match(err, /cannot be read: it must be like redis:|cannot be kept at a http:|cannot connect to (redis|postgres):\/\/127.0.0.1:1\/x?: .*ECONNREFUSED/)
  }
})

t.test('an environment variable holds the URL', async t => {
  t.match(serverUrl('env:HERE', { HERE: 'redis://host' }), { kind: 'redis' })
  t.throws(() => serverUrl('env:HERE', {}), { message: /variable 'HERE' is not set/ })
  t.throws(() => serverUrl('env:HERE', { HERE: '' }), { message: /is not set/ })
  t.throws(() => serverUrl('env:HERE', { HERE: './sessions' }), { message: /HERE must hold the URL of a server/ })
  t.match(await fileSessions(['list', 'env:NO_SUCH_VARIABLE']), { exitCode: 2, err: /'NO_SUCH_VARIABLE' is not set/ })
})
