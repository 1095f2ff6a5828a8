import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { indexesIn } from '../../lib/cli/index-module'
import { UsageError } from '../../lib/cli/usage'
import { JSON_CODEC } from '../../lib/session/codec'

function moduleIn (t: Test, source: string): string {
  const path = join(t.testdir(), 'indexes.mjs')
  writeFileSync(path, source)
  return path
}

t.test('indexes, and a codec if there is one', async t => {
  const { indexes, codec } = await indexesIn(moduleIn(t, 'export const indexes = { user: data => data.user }'))
  t.equal(indexes['user']?.({ user: 42 }), 42)
  t.equal(codec, JSON_CODEC)
  await t.test('of its own', async t => {
    const own = await indexesIn(moduleIn(t, 'export const indexes = { user: data => data.user }; export const codec = { encode: () => "text", decode: () => ({ a: 1 }) }'))
    t.strictSame(own.codec.decode(''), { a: 1 })
  })
})

for (const [what, source, message] of [
  ['that exports none', 'export const x = 1', /must export indexes, as the app's option has them/],
  ['with none in it', 'export const indexes = {}', /must export indexes/],
  ['whose index is not a function', 'export const indexes = { user: 1 }', /cannot be used: .*indexes.user/],
  ['whose codec is none', 'export const indexes = { user: () => 1 }; export const codec = {}', /cannot be used: .*codec/],
  ['that throws', 'throw new Error("not today")', /cannot be used: not today/]
] as const) {
  t.test(`a module ${what}`, async t => {
    await t.rejects(indexesIn(moduleIn(t, source)), { constructor: UsageError, message })
  })
}

t.test('a path without a module', async t => {
  await t.rejects(indexesIn('./nowhere.mjs'), { constructor: UsageError, message: /the module .\/nowhere.mjs cannot be used: Cannot find module/ })
})
