import t from 'tap'
import { connecting, reasonOf } from '../../lib/cli/server-trouble'

t.test('what went wrong, in the client\'s words', async t => {
  t.equal(reasonOf(new Error('away')), 'away')
  t.equal(reasonOf(new AggregateError([new Error('one'), new AggregateError([new Error('two'), new Error('three')])])), 'one; two; three',
    'of each address of the host')
  t.equal(reasonOf(new AggregateError([new Error('one')], 'all away')), 'all away')
})

t.test('which server it was', async t => {
  t.equal(await connecting('redis://host', Promise.resolve(1)), 1)
  const cause = new Error('away')
  await t.rejects(connecting('redis://host', Promise.reject(cause)), { code: 'SESSION_STORE', message: 'cannot connect to redis://host: away', cause })
})
