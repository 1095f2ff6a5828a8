import t from 'tap'
import { encryptionOptions } from '../../lib/store/encryption-options'
import { IndexLabels, indexOfLabel, listName } from '../../lib/store/index-labels'
import { SessionCipher } from '../../lib/store/session-cipher'

const SECRET = 'a secret of 32 bytes at the least'
const OTHER = 'another secret of 32 bytes at least'

function keys (...secrets: string[]): Array<Buffer | null> {
  return new SessionCipher('sid', encryptionOptions({ secrets })).keysFor('index label')
}

t.test('a label tells index and value apart, and nothing of the value', async t => {
  const labels = new IndexLabels('sid', [null])
  const [label] = labels.of('user', 42)
  t.match(label, /^user:[\w-]{32}$/)
  t.equal(labels.of('user', '42')[0], label)
  const long = 'x'.repeat(200)
  t.match(labels.of('user', long)[0], /^user:[\w-]{32}$/)
  t.equal(labels.of('user', long)[0], labels.of('user', long)[0])
  t.not(labels.of('user', long)[0], labels.of('user', `${long}x`)[0])
  const others = [labels.of('sid', 42), labels.of('user', 43), new IndexLabels('other', [null]).of('user', 42), new IndexLabels('sid', keys(SECRET)).of('user', 42)]
  t.equal(new Set([label, ...others.map(([each]) => each)]).size, 5)
  for (const value of [NaN, Infinity, true, {}, undefined, null, 7n]) t.throws(() => labels.of('user', value as never), { code: 'SESSION_INDEX', message: /the index user must be a string or a finite number/ })
})

t.test('a value has a label under each secret, the newest first, and one without', async t => {
  const old = new IndexLabels('sid', keys(SECRET)).of('user', 42)
  const both = new IndexLabels('sid', keys(OTHER, SECRET)).of('user', 42)
  t.equal(both.length, 3)
  t.equal(both[1], old[0])
  t.equal(both[2], new IndexLabels('sid', [null]).of('user', 42)[0])
  t.strictSame(new SessionCipher('sid', false).keysFor('index label'), [null])
})

t.test('a label says which index it belongs to, and names one list', async t => {
  const [label] = new IndexLabels('sid', [null]).of('user', 'a:b')
  t.equal(indexOfLabel(label), 'user')
  t.match(listName(label), /^[0-9a-f]{64}$/)
  t.equal(listName(label), listName(label))
  t.not(listName(label), listName(`${label}x`))
})

t.test('the labels that are remembered of one key are not those of another, nor those of another index', async t => {
  const labels = new IndexLabels('sid', keys(OTHER, SECRET))
  const all = ['user', 'user-1'].flatMap(index => ['1', '-1 1'].flatMap(value => labels.of(index, value)))
  t.equal(new Set(all).size, all.length)
  t.strictSame(['user', 'user-1'].flatMap(index => ['1', '-1 1'].flatMap(value => new IndexLabels('sid', keys(OTHER, SECRET)).of(index, value))), all)
})
