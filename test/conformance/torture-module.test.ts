import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { storeOf } from '../../lib/conformance/torture-module'

const STORE = '{ isOpen: false, async open () { this.isOpen = true } }'

t.test('the store of a module is ready for use, whatever kind of module it is', async t => {
  const directory = t.testdir({
    'names.mjs': `export const makeStore = () => (${STORE})`,
    'promise.mjs': `export async function makeStore () { return ${STORE} }`,
    // Node sees no names here.
    'common.cjs': `Object.assign(module.exports, { makeStore: () => (${STORE}) })`
  })
  for (const name of ['names.mjs', 'promise.mjs', 'common.cjs']) {
    t.match(await storeOf(pathToFileURL(join(directory, name)).href), { isOpen: true }, name)
  }
  t.match(await storeOf(join(directory, 'names.mjs')), { isOpen: true }, 'by its path')
})

t.test('a store that cannot be made or opened is an error', async t => {
  const directory = t.testdir({
    'made.mjs': 'export function makeStore () { throw new Error("not made") }',
    'opened.mjs': 'export const makeStore = () => ({ async open () { throw new Error("not opened") } })'
  })
  await t.rejects(storeOf(join(directory, 'made.mjs')), { message: 'not made' })
  await t.rejects(storeOf(join(directory, 'opened.mjs')), { message: 'not opened' })
  await t.rejects(storeOf(join(directory, 'missing.mjs')), { code: 'ERR_MODULE_NOT_FOUND' })
})
