import t from 'tap'
import { NotFound } from '../../lib/cli/place'
import { revoke, type RevokeOptions } from '../../lib/cli/revoke'
import { UsageError } from '../../lib/cli/usage'
import { indexedPlace } from '../support/indexed-place'
import { testTerminal } from '../support/terminal'

const NOBODY = 'A'.repeat(43)

function begin (t: Parameters<typeof indexedPlace>[0]) {
  const world = indexedPlace(t)
  const run = async (argument: string, options: RevokeOptions = {}) => {
    const { terminal, printed } = testTerminal()
    return { exitCode: await revoke(world.place, argument, options, terminal), ...printed }
  }
  const count = async (): Promise<number> => {
    let sessions = 0
    for await (const session of world.shop.store.exportSessions()) if (session.text !== '') sessions++
    return sessions
  }
  return { ...world, run, count }
}

t.test('the session with a handle ends, and no other', async t => {
  const { run, login, count } = begin(t)
  const [first, second] = [await login(42), await login(42)]
  t.strictSame(await run(first), { exitCode: 0, out: '', err: '' })
  t.equal(await count(), 1)
  await t.rejects(run(first), { constructor: NotFound, message: 'appid shop has no session with this handle' })
  const { out } = await run(second, { json: true })
  t.strictSame(JSON.parse(out), { appid: 'shop', handle: second, revoked: 1 })
  t.equal(await count(), 0)
})

t.test('all sessions with a value end, but for one that is to stay', async t => {
  const { run, login, count } = begin(t)
  const [mine] = [await login(42), await login(42), await login(42), await login(7)]
  await t.rejects(run('42', { index: 'user', except: NOBODY }), { constructor: NotFound, message: /--except: no session was ended/ })
  t.equal(await count(), 4)
  t.strictSame(await run('42', { index: 'user', except: mine }), { exitCode: 0, out: 'shop: 2 revoked\n', err: '' })
  t.strictSame(JSON.parse((await run('42', { index: 'user', json: true })).out), { appid: 'shop', revoked: 1 })
  t.strictSame(await run('42', { index: 'user' }), { exitCode: 0, out: 'shop: 0 revoked\n', err: '' })
  t.match(await run('42', { index: 'usr' }), { exitCode: 0, out: 'shop: 0 revoked\n', err: /no session of appid shop is in an index usr/ })
  t.equal(await count(), 1, 'that of another user')
})

t.test('what cannot be meant ends nothing', async t => {
  const { run, login, appOf, count } = begin(t)
  await t.rejects(run('42'), { constructor: UsageError, message: /that is not a handle/ })
  await t.rejects(run('42', { index: 'user', except: '7' }), { constructor: UsageError, message: /that is not a handle/ })
  await t.rejects(run(NOBODY, { except: NOBODY }), { constructor: UsageError, message: /--except goes with --index/ })
  const handle = await login(42)
  await login(42, undefined, appOf('admin'))
  await t.rejects(run('42', { index: 'user' }), { constructor: UsageError, message: /several apps \(admin, shop\)/ })
  t.equal(await count(), 1)
  t.match(await run(handle, { appid: 'shop' }), { exitCode: 0 })
})
