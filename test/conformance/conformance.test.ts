import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Check } from '../../lib/conformance/check'
import { conformance } from '../../lib/conformance/conformance'
import { DATED } from '../../lib/conformance/dated'
import { INDEXES } from '../../lib/conformance/indexes'
import { OPENING } from '../../lib/conformance/opening'
import { WholeStore, wholeOptions } from '../support/broken-stores'
import { failuresOf, FEATURES, optionsFor, PlacedStore } from '../support/conformance-runs'

const DECLARATION = 'the store declares the features that the suite was told'

t.test('the store that broken ones are made of keeps every promise', async t => {
  t.strictSame([...await failuresOf(wholeOptions(WholeStore))], [])
})

t.test('so does one that never has the answer at hand', async t => {
  const Slow = class extends PlacedStore {
    override readonly features = { ...FEATURES, immediate: true } as never
    readNow (): undefined {}
    replaceNow (): undefined {}
  }
  t.strictSame([...await failuresOf({ ...wholeOptions(Slow), maxSize: undefined, fail: undefined })], [])
})

t.test('a store that declares something else is found out', async t => {
  const Other = class extends PlacedStore {
    override readonly features = { records: true } as never
  }
  t.strictSame([...(await failuresOf(wholeOptions(Other), [DECLARATION])).keys()], [DECLARATION])
})

t.test('the place is given back when a check is over, also when it has failed', async t => {
  const disposed: string[] = []
  const Forgetful = class extends WholeStore {
    override async putSession (): Promise<void> {}
  }
  const failures = await failuresOf({ ...wholeOptions(Forgetful), dispose: place => { disposed.push(place) } },
    ['putSession replaces the text, and getSession returns it', 'sesAppid returns the appid of the app'])
  t.equal(failures.size, 1)
  t.equal(new Set(disposed).size, 2)
})

t.test('a store that cannot be closed after a check does not hide the promise that it broke', async t => {
  const Forgetful = class extends WholeStore {
    override async putSession (): Promise<void> {}
    override async close (): Promise<void> { throw new Error('the server is gone') }
  }
  const broken = 'putSession replaces the text, and getSession returns it'
  const failures = await failuresOf(wholeOptions(Forgetful), [broken, 'sesAppid returns the appid of the app'])
  t.notMatch(failures.get(broken), /the server is gone/)
  t.match(failures.get('sesAppid returns the appid of the app'), /the server is gone/)
})

t.test('every check of every list is registered once', async t => {
  const folder = join(__dirname, '../../lib/conformance')
  const exported = readdirSync(folder).filter(name => !name.startsWith('torture')).flatMap(name => Object.values(require(join(folder, name)) as object))
  const isCheck = (value: unknown): value is Check => typeof value === 'object' && value !== null && 'run' in value
  const sentences = exported.flatMap(value => Array.isArray(value) ? value.filter(isCheck) : []).map(({ name }) => name)
  t.ok(sentences.length > 80, `${sentences.length} checks`)
  const { checked, leftOut } = conformance({ ...wholeOptions(WholeStore), test: () => {} })
  t.strictSame([...checked, ...leftOut].sort(), [DECLARATION, ...sentences].sort())
})

t.test('what the suite cannot check it leaves out, and says so', async t => {
  const { age, dump, fail, ...options } = optionsFor(PlacedStore)
  const { checked, leftOut } = conformance({ ...options, test: () => {}, except: ['nothing brings a removed session back'] })
  t.ok(leftOut.includes('reading is not use'))
  t.ok(leftOut.includes('nothing at rest gives an id away'))
  t.ok(leftOut.includes('nothing brings a removed session back'))
  t.notOk(checked.some(name => leftOut.includes(name)))
  t.strictSame([...DATED, ...INDEXES, ...OPENING.filter(({ needs }) => needs.includes('openable'))].filter(({ name }) => !leftOut.includes(name)), [])
  t.throws(() => conformance({ ...options, test: () => {}, except: ['nothing is wrong'] }), { code: 'SESSION_OPTION', message: /nothing is wrong/ })
})
