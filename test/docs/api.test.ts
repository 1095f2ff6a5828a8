import { relative } from 'node:path'
import t from 'tap'
import * as conformance from '../../conformance'
import * as connect from '../../connect'
import * as root from '../../index'
import * as postgres from '../../postgres'
import * as redis from '../../redis'
import { pluginOptions } from '../../lib/plugin/options'
import { Session } from '../../lib/session/session'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { LEAST_ID_BITS, LEAST_KEY_BITS, SAMPLES } from '../../lib/store/id-strength'
import { Document, sources } from './document'

/** The store's methods that only this package calls. */
const INTERNAL = ['readNow', 'replaceNow', 'createNow', 'removeNow', 'file', 'known', 'newRecord', 'guard', 'wrapped', 'makeSession']

/** Its snippets are run by api.long.ts. */
const page = new Document('docs/api.md')

t.test('the table of options is complete and right', async t => {
  const rows = page.table('Options')
  try {
    pluginOptions({ nonsense: 1 } as object)
    t.fail('unknown options are refused')
  } catch (error) {
    const [, known = ''] = /the options are (.*)$/.exec((error as Error).message) ?? []
    const registering = ['prefix', 'logLevel', 'logSerializers']
    t.same(page.names('Options').sort(), known.split(', ').filter(name => !registering.includes(name)).sort())
  }
  const settled = pluginOptions({})
  const defaults: Record<string, unknown> = { ...settled, ...settled.fileStore, sessionDir: `./${relative('', settled.fileStore?.sessionDir ?? '')}` }
  for (const [name = '', shown = ''] of rows) {
    const [, literal] = /^`([^`]*)`$/.exec(shown) ?? []
    if (literal === undefined) continue
    // eslint-disable-next-line no-new-func -- a literal of our own page
    t.same(new Function(`return ${literal}`)(), defaults[name.replaceAll('`', '')], name)
  }
  t.equal(settled.fileStore?.idleTimeout, 7200)
  t.equal(settled.fileStore?.absoluteTimeout, undefined)
  t.equal(settled.fileStore?.idGenerator().length, 192 / 6)
})

t.test('the row of idGenerator names the numbers of the code', async t => {
  const [, , , text = ''] = page.table('Options').find(([name]) => name === '`idGenerator`') ?? []
  t.match(text, `The start draws ${SAMPLES} of them`)
  t.match(text, `about ${LEAST_ID_BITS} random bits (${LEAST_KEY_BITS} with \`encryption\`)`)
})

t.test('the table of members is complete', async t => {
  const members = Object.getOwnPropertyNames(Session.prototype).filter(name => name !== '__proto__')
  t.same(page.names('`request.session`').sort(), members.sort())
})

t.test('the table of store methods is complete', async t => {
  const methods = new Set<string>()
  for (let shape = SessionFileStore.prototype as object; shape !== Object.prototype; shape = Object.getPrototypeOf(shape) as object) {
    for (const name of Object.getOwnPropertyNames(shape)) methods.add(name)
  }
  for (const name of ['constructor', 'features', ...INTERNAL]) methods.delete(name)
  t.same(page.names('`fastify.sessionStore`').sort(), [...methods, 'lifetimes'].sort())
})

t.test('the table of features is complete', async t => {
  const [, shape = ''] = /interface StoreFeatures \{(.*?)^\}/ms.exec(await sources()) ?? []
  const features = [...shape.matchAll(/readonly (\w+)\?: boolean/g)].map(([, name = '']) => name).filter(name => name !== 'immediate')
  const shown = page.table('Another store').map(([name = '']) => name.replaceAll('`', ''))
  t.same(shown.sort(), features.sort())
})

t.test('the table of functions for express-session is right', async t => {
  const text = await sources()
  for (const [call = ''] of page.table('express-session')) {
    const [, name = ''] = /^`(\w+)\(/.exec(call) ?? []
    t.ok(new RegExp(`export (async )?function ${name} \\(`).test(text), call)
  }
})

t.test('the table of exports is complete', async t => {
  const modules = { 'the root': root, '/connect': connect, '/redis': redis, '/postgres': postgres, '/conformance': conformance }
  const shown = Object.fromEntries(Object.keys(modules).map(from => [from, [] as string[]]))
  for (const [names = '', from = ''] of page.table('Exports')) {
    for (const each of from.replaceAll('`', '').split(', ')) shown[each]?.push(...[...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name))
  }
  // The page says it in a sentence.
  for (const from of ['/redis', '/postgres']) shown[from]?.push('SessionError', 'SessionStoreError')
  for (const [from, exports] of Object.entries(modules)) t.same(shown[from]?.sort(), Object.keys(exports).filter(name => name !== 'default').sort(), from)
})

t.test('the table of errors is complete', async t => {
  const codes = new Set((await sources()).match(/(?<=')SESSION_[A-Z_]+(?=')/g))
  t.same(page.names('Errors').sort(), [...codes].sort())
})
