import t from 'tap'
import { pluginOptions } from '../../lib/plugin/options'
import { indexOptions } from '../../lib/session/index-options'

const indexes = { user: (data: Record<string, unknown>) => data['user'] as string }

t.test('indexes and their limits', t => {
  t.equal(indexOptions({}), null)
  t.equal(indexOptions({ indexes: {} }), null)
  t.match(indexOptions({ indexes }), { maxPerValue: {}, onLimit: 'end-oldest' })
  t.match(indexOptions({ indexes, maxPerValue: { user: 5 }, onLimit: 'refuse' }), { maxPerValue: { user: 5 }, onLimit: 'refuse' })
  t.end()
})

t.test('an option that would have no effect, or makes no sense, stops the start and is named', t => {
  const many = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`index${at}`, indexes.user]))
  const wrong: Array<[options: object, message: RegExp]> = [
    [{ indexes: 5 }, /option indexes must be an object with functions/],
    [{ indexes: [] }, /option indexes must be an object with functions, such as \{ user: data => data\.user\?\.id \}/],
    [{ indexes: [indexes.user] }, /option indexes must be an object with functions/],
    [{ indexes: { '1st': indexes.user } }, /option indexes must have names of 1 to 32 letters/],
    [{ indexes: { user: 5 } }, /option indexes.user must be a function/],
    [{ indexes: many }, /option indexes must have at most 16 functions/],
    [{ maxPerValue: { user: 5 } }, /option maxPerValue has no effect without the option indexes/],
    [{ indexes, maxPerValue: 5 }, /option maxPerValue must be an object with numbers/],
    [{ indexes, maxPerValue: [] }, /option maxPerValue must be an object with numbers/],
    [{ indexes, maxPerValue: { users: 5 } }, /option maxPerValue.users must be the name of an index: user/],
    [{ indexes, maxPerValue: { user: 0 } }, /option maxPerValue.user must be a whole number above 0/],
    [{ indexes, maxPerValue: { user: 5 }, onLimit: 'end-newest' }, /option onLimit must be 'end-oldest' or 'refuse'/],
    [{ indexes, onLimit: 'refuse' }, /option onLimit has no effect without the option maxPerValue/],
    [{ indexes, maxPerValue: {}, onLimit: 'end-oldest' }, /option onLimit has no effect/],
    [{ about: () => ({}) }, /option about has no effect without the option indexes/],
    [{ indexes: {}, about: () => ({}) }, /option about has no effect without the option indexes/]
  ]
  for (const [options, message] of wrong) t.throws(() => pluginOptions(options), { code: 'SESSION_OPTION', message })
  t.end()
})
