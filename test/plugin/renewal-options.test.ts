import t from 'tap'
import { pluginOptions } from '../../lib/plugin/options'
import { serve } from '../support/serve'

t.test('renewAfter and renewGrace are seconds that go together', async t => {
  t.equal(pluginOptions({}).renewal, null)
  t.strictSame(pluginOptions({ renewAfter: 3600 }).renewal, { after: 3600, grace: 10 })
  const wrong: Array<[options: object, message: RegExp]> = [
    [{ renewAfter: 19 }, /option renewAfter must be .* at least twice renewGrace \(10\)/],
    [{ renewAfter: '3600' }, /option renewAfter must be/],
    [{ renewAfter: 3600, renewGrace: 0 }, /option renewGrace must be a number of seconds from 1 to 600/],
    [{ renewAfter: 3600, renewGrace: 601 }, /option renewGrace/],
    [{ renewGrace: 30 }, /option renewGrace has no effect without the option renewAfter/]
  ]
  for (const [options, message] of wrong) t.throws(() => pluginOptions(options), { code: 'SESSION_OPTION', message })
})

t.test('over http: the cookie of a request at the age, and of one that was on its way', async t => {
  const { visitor } = await serve(t, { sessionDir: `${t.testdir()}/sessions`, renewAfter: 2, renewGrace: 1 }, app => {
    app.get('/login', async request => { request.session.set('user', 'ada'); return 'ok' })
    app.get('/look', async request => String(request.session.get('user')))
    app.get('/unused', async () => 'ok')
  })
  const one = visitor()
  await one.get('/login')
  const [old, thief] = [one.sesid, one.twin()]
  t.equal((await one.get('/unused')).headers.get('set-cookie'), null)
  let renewed: string | null = null
  while (renewed === null) renewed = (await one.get('/unused')).headers.get('set-cookie')
  t.not(one.sesid, old)
  t.equal((await thief.get('/look')).text, 'ada', 'within the grace')
  t.equal(thief.sesid, one.sesid)
  const late = visitor()
  late.cookie = `sid=${old}`
  let text = 'ada'
  // The cookie that it gets is put away.
  while (text === 'ada') {
    late.cookie = `sid=${old}`
    text = (await late.get('/look')).text
  }
  t.equal(text, 'undefined', 'after it')
  t.equal((await one.get('/look')).text, 'ada')
})
