import { resolve } from 'node:path'
import t from 'tap'
import { FILE_STORE_OPTIONS, fileStoreOptions } from '../../../lib/store/files/options'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'

// What the tests make themselves is private as well.
process.umask(0o077)

t.test('the defaults hold, and the directory stays the same when the process changes its own', async t => {
  const { idGenerator, ...options } = fileStoreOptions({})
  t.strictSame(options, {
    appid: 'sid',
    sessionDir: resolve('sessions'),
    idleTimeout: 7200,
    absoluteTimeout: undefined,
    durability: 'os',
    allowUnsafeDirectory: false,
    maxSize: 1024 * 1024,
    encryption: false
  })
  t.match(idGenerator(), /^[\w-]{32}$/)
  t.strictSame([...Object.keys(options), 'idGenerator'].sort(), [...FILE_STORE_OPTIONS].sort())
})

t.test('an appid that is no cookie name is refused', async t => {
  for (const appid of ['a/b', '', '/', 'a b', 'a;b', 'a=b', 'a\0', 'é', 'a\n', 'x'.repeat(81)]) {
    t.throws(() => new SessionFileStore({ appid }), { name: 'SessionError', code: 'SESSION_OPTION', message: /option appid / }, JSON.stringify(appid))
  }
})
