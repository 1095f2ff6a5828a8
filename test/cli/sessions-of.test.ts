import t, { type Test } from 'tap'
import { sessionsOf, type SessionsOfOptions } from '../../lib/cli/sessions-of'
import { UsageError } from '../../lib/cli/usage'
import { age } from '../support/aged-sessions'
import { indexedPlace } from '../support/indexed-place'
import { newFile, sessionFiles } from '../support/session-files'
import { testTerminal } from '../support/terminal'

function begin (t: Test) {
  const world = indexedPlace(t)
  const run = async (value: string, options: Partial<SessionsOfOptions> = {}) => {
    const { terminal, printed } = testTerminal()
    return { exitCode: await sessionsOf(world.place, value, { index: 'user', idle: 7200, ...options }, terminal), ...printed }
  }
  return { ...world, run }
}

t.test('a line for each live session that has the value', async t => {
  const { run, login, sessionDir } = begin(t)
  const phone = await login(42, { agent: 'a phone' })
  age(newFile(`${sessionDir}/shop`), 3600)
  await login(7)
  const { exitCode, out, err } = await run('42')
  t.strictSame([exitCode, err], [0, ''])
  const [heading, line, ...more] = out.trimEnd().split('\n')
  t.match(heading, /^handle +created +last used +expires +about$/)
  t.match(line, new RegExp(`^${phone} +.* ago +.* ago +in (1h|5\\dm( \\d+s)?)  {"agent":"a phone"}$`))
  t.strictSame(more, [])
  const before = Date.now()
  const [found] = JSON.parse((await run('42', { json: true })).out) as Array<Record<string, number>>
  t.match(found, { handle: phone, about: { agent: 'a phone' } })
  for (const [name, when] of [['createdAt', before], ['lastUsed', before], ['expiresAt', before + 3600_000]] as const) {
    t.ok(Math.abs(found?.[name] as number - when) < 60_000, name)
  }
  t.match(await run('42', { idle: 1800 }), { out: /^handle .*\n$/ }, 'by the idle time of the app')
})

t.test('nothing is shown of what an app has not told', async t => {
  const { run, login } = begin(t)
  await login(42)
  await login(42)
  t.match((await run('42')).out, /( {2}-\n[^]*){2}$/)
  const found = JSON.parse((await run('42', { json: true })).out) as object[]
  t.match(found, [{ about: {} }, { about: {} }])
})

t.test('where none is found, the reason is on standard error', async t => {
  const { run, login, appOf, shop, sessionDir } = begin(t)
  await shop.store.open()
  t.match(await run('42'), { exitCode: 0, out: /^handle .*\n$/, err: /no session of appid shop is in an index user/ })
  await login(7)
  t.match(await run('42'), { exitCode: 0, out: /^handle .*\n$/, err: '' }, 'the index is there')
  t.strictSame(await run('42', { json: true }), { exitCode: 0, out: '[\n]\n', err: '' })
  await login(42, undefined, appOf('admin'))
  t.equal(sessionFiles(`${sessionDir}/admin`).length, 1)
  await t.rejects(run('42'), { constructor: UsageError, message: /several apps/ })
  t.match((await run('42', { appid: 'admin', json: true })).out, /handle/)
})
