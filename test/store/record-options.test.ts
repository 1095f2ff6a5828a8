import t from 'tap'
import { checkRecord, recordStoreOptions } from '../../lib/store/record-options'

t.test('the defaults', async t => {
  const { idGenerator, ...options } = recordStoreOptions({})
  t.strictSame(options, { appid: 'sid', idleTimeout: 7200, absoluteTimeout: undefined, maxSize: 1024 * 1024, encryption: false })
  t.match(idGenerator(), /^[\w-]{32}$/)
})

t.test('options that make no sense are refused by name', async t => {
  for (const [name, value] of [
    ['appid', 'a/b'], ['idleTimeout', 0], ['idleTimeout', Infinity], ['absoluteTimeout', -1], ['maxSize', 0.5], ['maxSize', 2 ** 40], ['idGenerator', 'x']
  ] as const) {
    t.throws(() => recordStoreOptions({ [name]: value }), { code: 'SESSION_OPTION', message: new RegExp(`option ${name} `) })
  }
})

t.test('a record is checked before it is stored', async t => {
  t.equal(checkRecord({ text: '12345' }, 5), 0)
  t.equal(checkRecord({ text: '', idleTimeout: 0.5 }, 5), 1, 'idle timeouts are whole seconds')
  t.equal(checkRecord({ text: '', idleTimeout: 1e12 }, 5), 2 ** 32 - 1, 'as long as there is room for')
  t.throws(() => checkRecord({ text: 1 as unknown as string }, 5), { code: 'SESSION_OPTION' })
  t.throws(() => checkRecord({ text: 'ééé' }, 5), { code: 'SESSION_TOO_BIG', message: /maxSize \(5 bytes\)/ })
  for (const idleTimeout of [0, -1, NaN]) t.throws(() => checkRecord({ text: '', idleTimeout }, 5), { code: 'SESSION_OPTION' })
})
