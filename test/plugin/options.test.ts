import { resolve } from 'node:path'
import t from 'tap'
import { FILE_STORE_OPTIONS, fileStoreOptions } from '../../lib/store/files/options'
import type { FileSessionsOptions } from '../../lib/plugin/file-sessions-options'
import { pluginOptions } from '../../lib/plugin/options'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import type { SessionStore } from '../../lib/store/session-store'
import { refusesOption } from '../support/refused-option'

/** A store of another package. */
const foreignStore: SessionStore = {
  sesAppid: () => 'app',
  getSession: async () => null,
  newSession: async () => 'id',
  putSession: async () => {},
  delSession: async () => {}
}

const BAD_FILE_STORE_OPTIONS: Record<string, unknown[]> = {
  appid: ['', 'a/b', 'a b', 'é', 'a;b', 'x'.repeat(81), 7, null, ['sid']],
  sessionDir: ['', 'a\0b', 7, null, new URL('file:///tmp')],
  idleTimeout: [0, -1, NaN, Infinity, '7200', null],
  absoluteTimeout: [0, -1, NaN, Infinity, '7200', null],
  durability: ['', 'none', true, null],
  allowUnsafeDirectory: ['yes', 1, null],
  maxSize: [0, -1, 1.5, NaN, Infinity, '1024', null, 512 * 1024 * 1024 + 1],
  idGenerator: ['x', null, {}]
}

const BAD_PLUGIN_OPTIONS: Record<string, unknown[]> = {
  hook: ['onSend', '', null, 7],
  rolling: ['yes', 1, null],
  reapInterval: [-1, NaN, Infinity, '900', null, 2147484],
  codec: [null, {}, { encode: JSON.stringify }, { decode: JSON.parse }, { encode: 1, decode: 2 }, 'json'],
  sessionName: ['', '1st', 'a-b', 'a b', 7, null],
  onUnavailable: ['', 'ignore', true, null],
  cookie: [null, 7, 'secure']
}

t.test('the defaults', async t => {
  const { idGenerator, ...fileStore } = fileStoreOptions({})
  t.strictSame(fileStore, {
    appid: 'sid',
    sessionDir: resolve('sessions'),
    idleTimeout: 7200,
    absoluteTimeout: undefined,
    durability: 'os',
    allowUnsafeDirectory: false,
    maxSize: 1024 * 1024,
    encryption: false
  })
  t.match(idGenerator(), /^[\w-]{32}$/, '192 random bits')
  t.not(idGenerator(), idGenerator())

  const { codec, fileStore: settled, ...rest } = pluginOptions({})
  t.strictSame(rest, {
    hook: 'preHandler',
    cookie: { path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto' },
    rolling: true,
    reapInterval: 900,
    onUnavailable: 'fail',
    renewal: null,
    cacheControl: 'private',
    clearSiteData: [],
    indexes: null,
    about: undefined,
    sessionName: 'session',
    encryption: false,
    store: null
  })
  t.match(settled, fileStore)
  t.equal(codec.encode({ a: [1] }), '{"a":[1]}')
  t.strictSame(codec.decode('{"a":[1]}'), { a: [1] })
})

t.test('what is given is taken, and undefined is as good as left out', async t => {
  const idGenerator = (): string => 'x'
  const given = {
    appid: 'Shop.1',
    sessionDir: '/srv/s',
    idleTimeout: 0.5,
    absoluteTimeout: 60,
    durability: 'fsync' as const,
    allowUnsafeDirectory: true,
    maxSize: 1,
    idGenerator,
    encryption: { secrets: ['a secret of 32 random bytes, more or less'], acceptPlain: false, writePlain: false }
  }
  t.strictSame(fileStoreOptions(given), given)
  const undefinedOptions = Object.fromEntries(Object.keys(given).map(name => [name, undefined]))
  t.match(fileStoreOptions(undefinedOptions), { appid: 'sid', sessionDir: resolve('sessions'), maxSize: 1024 * 1024 })
  for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) t.equal(pluginOptions({ hook }).hook, hook)
  t.equal(pluginOptions({ reapInterval: 0 }).reapInterval, 0)
  t.equal(pluginOptions({ rolling: false }).rolling, false)
  t.equal(pluginOptions({ sessionName: '$admin_1' }).sessionName, '$admin_1')
  t.equal(fileStoreOptions({ appid: 'x'.repeat(80) }).appid.length, 80)
  t.equal(fileStoreOptions({ maxSize: 512 * 1024 * 1024 }).maxSize, 512 * 1024 * 1024)
  t.match(pluginOptions({ cookie: { domain: 'example.org', sameSite: 'none', secure: true } }).cookie,
    { path: '/', httpOnly: true, domain: 'example.org', sameSite: 'none', secure: true })
})

t.test('Fastify\'s own register options are let through', async t => {
  const options = { prefix: '/x', logLevel: 'warn', logSerializers: {} } as unknown as FileSessionsOptions
  t.equal(pluginOptions(options).hook, 'preHandler')
})

t.test('bad options of the file store name themselves', async t => {
  for (const [name, values] of Object.entries(BAD_FILE_STORE_OPTIONS)) {
    for (const value of values) {
      refusesOption(t, () => fileStoreOptions({ [name]: value }), name)
      refusesOption(t, () => pluginOptions({ [name]: value } as FileSessionsOptions), name)
    }
  }
})

t.test('bad options of the plugin name themselves', async t => {
  for (const [name, values] of Object.entries(BAD_PLUGIN_OPTIONS)) {
    for (const value of values) refusesOption(t, () => pluginOptions({ [name]: value } as FileSessionsOptions), name)
  }
  refusesOption(t, () => pluginOptions({ cookie: { path: 'app' } }), 'cookie.path')
})

t.test('options that nobody knows, and no options at all', async t => {
  refusesOption(t, () => fileStoreOptions({ hook: 'onRequest' } as object), 'hook')
  refusesOption(t, () => pluginOptions({ sessiondir: 'x' } as object), 'sessiondir')
  for (const none of [null, 7, 'x']) {
    for (const settle of [pluginOptions, fileStoreOptions]) {
      t.throws(() => settle(none as unknown as object), { code: 'SESSION_OPTION', message: 'fastify-file-sessions: options must be an object' })
    }
  }
})

t.test('a rolling cookie that would run out before it is sent again', async t => {
  const message = /option cookie\.maxAge must not be below both idleTimeout and 600/
  t.throws(() => pluginOptions({ cookie: { maxAge: 45 }, idleTimeout: 7200 }), { code: 'SESSION_OPTION', message })
  t.throws(() => pluginOptions({ cookie: { maxAge: 599 }, idleTimeout: 600 }), { code: 'SESSION_OPTION', message })
  const store = new SessionFileStore({ idleTimeout: 7200 })
  t.throws(() => pluginOptions({ cookie: { maxAge: 45 }, store }), { code: 'SESSION_OPTION', message }, 'a store that is given knows its times')
  t.equal(pluginOptions({ cookie: { maxAge: 45 }, store, rolling: false }).store, store)
  t.equal(pluginOptions({ cookie: { maxAge: 600 }, store }).store, store)
  for (const options of [
    { cookie: { maxAge: 45 } }, { cookie: { maxAge: 45 }, idleTimeout: 45 }, { cookie: { maxAge: 600 }, idleTimeout: 7200 },
    { cookie: { maxAge: 45 }, idleTimeout: 7200, rolling: false }, { idleTimeout: 7200 }, { cookie: { partitioned: true, secure: 'auto' as const } }
  ]) t.doesNotThrow(() => pluginOptions(options))
})

t.test('every option of the file store reaches it', async t => {
  const idGenerator = (): string => 'x'
  const given = {
    appid: 'app',
    sessionDir: '/srv/s',
    idleTimeout: 5,
    absoluteTimeout: 60,
    durability: 'fsync' as const,
    allowUnsafeDirectory: true,
    maxSize: 10,
    idGenerator
  }
  t.strictSame(pluginOptions({ ...given, hook: 'onRequest' }).fileStore, fileStoreOptions(given))
  const refused = FILE_STORE_OPTIONS.map(name => {
    try {
      pluginOptions({ [name]: Symbol(name) } as unknown as FileSessionsOptions)
    } catch (error) {
      return (error as Error).message.split(' ')[2]
    }
    return undefined
  })
  t.strictSame(refused, FILE_STORE_OPTIONS, 'the file store has checked each of them')
})

t.test('the idle timeout follows the cookie\'s maxAge unless it is given', async t => {
  t.equal(pluginOptions({ cookie: { maxAge: 86400 } }).fileStore?.idleTimeout, 86400)
  t.equal(pluginOptions({ cookie: { maxAge: 86400 }, idleTimeout: 60 }).fileStore?.idleTimeout, 60)
})

t.test('another store', async t => {
  const { store, fileStore } = pluginOptions({ store: foreignStore })
  t.equal(store, foreignStore)
  t.equal(fileStore, null)
  for (const [name, value] of Object.entries({
    appid: 'x', sessionDir: 'x', idleTimeout: 1, absoluteTimeout: 1, durability: 'os', allowUnsafeDirectory: false, maxSize: 1, idGenerator: () => 'x'
  })) refusesOption(t, () => pluginOptions({ store: foreignStore, [name]: value }), name)
  t.match(pluginOptions({ store: foreignStore, reapInterval: 5 }), { store: foreignStore, fileStore: null, reapInterval: 5 }, 'it may be reapable')
  for (const bad of [null, {}, 'redis', 7]) refusesOption(t, () => pluginOptions({ store: bad as unknown as SessionStore }), 'store')
  for (const method of Object.keys(foreignStore)) {
    refusesOption(t, () => pluginOptions({ store: { ...foreignStore, [method]: undefined } as unknown as SessionStore }), 'store')
  }
  refusesOption(t, () => pluginOptions({ store: { ...foreignStore, sesAppid: () => 'a/b' } }), 'store.sesAppid()')
})

t.test('the option encryption is the store\'s, if it has one', async t => {
  const encryption = { secrets: ['a secret of 32 random bytes, more or less'] }
  const settled = { ...encryption, acceptPlain: true, writePlain: false }
  t.strictSame(pluginOptions({ encryption }).fileStore?.encryption, settled)
  t.equal(pluginOptions({ encryption }).encryption, false)
  t.strictSame(pluginOptions({ encryption, store: foreignStore }).encryption, settled)
  refusesOption(t, () => pluginOptions({ encryption: 'yes' as unknown as boolean }), 'encryption')
  refusesOption(t, () => pluginOptions({ encryption: 'yes' as unknown as boolean, store: foreignStore }), 'encryption')
  refusesOption(t, () => pluginOptions({ encryption, store: new SessionFileStore() }), 'encryption')
  refusesOption(t, () => pluginOptions({ encryption, store: null as unknown as SessionStore }), 'store')
})
