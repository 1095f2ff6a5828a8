import t from 'tap'
import { SessionError } from '../lib/errors'
import { check, checkAppid, checkKnown, given, isTime } from '../lib/option-checks'

t.test('an option that is wrong is named with its rule', async t => {
  check(true, 'hook', 'must be a hook')
  const refusal = { name: 'SessionError', code: 'SESSION_OPTION', message: 'fastify-file-sessions: option hook must be a hook' }
  t.throws(() => { check(false, 'hook', 'must be a hook') }, refusal)
})

t.test('an option that is not known is named beside those that are', async t => {
  checkKnown({ one: 1 }, ['one', 'two'])
  t.throws(() => { checkKnown({ one: 1, three: 3 }, ['one', 'two']) }, { message: /option three is not known; the options are one, two$/ })
  for (const options of [null, 7, 'one']) t.throws(() => { checkKnown(options as unknown as object, ['one']) }, { message: /: options must be an object$/ })
})

t.test('an appid is a cookie name that leaves room for a file name', async t => {
  for (const appid of ['sid', '__Host-sid', 'x'.repeat(80), '!#$%&\'*+-.^_`|~']) checkAppid(appid)
  for (const appid of ['', 'a/b', 'a b', 'é', 'x'.repeat(81), undefined, 7]) t.throws(() => { checkAppid(appid as string) }, SessionError)
  t.throws(() => { checkAppid('', 'name') }, { message: /option name must be a cookie name/ })
})

t.test('a time is a finite number of seconds', async t => {
  t.ok([1, 0.5, 1e9].every(value => isTime(value)))
  t.notOk([0, -1, NaN, Infinity, '1', null, undefined].some(value => isTime(value)))
  t.strictSame([isTime(0, 0), isTime(9, 10), isTime(10, 10)], [true, false, true])
})

t.test('an option that is undefined is not given', async t => {
  t.strictSame(given({ one: undefined, two: null, three: 0, four: false }), { two: null, three: 0, four: false })
})
