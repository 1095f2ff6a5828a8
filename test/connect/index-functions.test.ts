import t from 'tap'
import { indexingOf } from '../../lib/connect/index-functions'
import { JSON_CODEC } from '../../lib/session/codec'
import { FileStore } from '../../lib/store/files/file-store'
import { MemoryStore } from '../support/map-store'

const indexes = { user: (data: Record<string, unknown>) => data['user'] as number }
const CODEC = { ...JSON_CODEC, decode: (text: string) => ({ user: Number(text) }) }

t.test('sessions enter the indexes that are given, by what the codec makes of them', async t => {
  const plan = indexingOf(new FileStore(), CODEC, indexes).plan('a', { text: '42' }, null)
  t.match(plan?.enter, [{ label: /^user:/ }])
  t.equal(plan?.enter.length, 1)
})

t.test('without indexes they stay where they are', async t => {
  for (const none of [undefined, {}]) {
    const indexing = indexingOf(new FileStore(), CODEC, none)
    t.equal(indexing.plan('a', { text: '42' }, null), null)
    t.match(indexing.plan('a', { text: '42', header: { indexed: { 'user:label': 'login' } } }, null)?.lasting, ['user:label'])
    t.ok(indexingOf(new MemoryStore(), CODEC, none), 'of whatever store')
  }
})

t.test('indexes that make no sense, and a store that can have none', async t => {
  t.throws(() => indexingOf(new MemoryStore(), CODEC, indexes), { code: 'SESSION_OPTION', message: /option indexes needs a store that can find sessions/ })
  t.throws(() => indexingOf(new FileStore(), CODEC, { user: 5 as never }), { code: 'SESSION_OPTION', message: /indexes.user must be a function/ })
})
