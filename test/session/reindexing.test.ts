import t, { type Test } from 'tap'
import { asOutage, SessionStoreError } from '../../lib/errors'
import { JSON_CODEC } from '../../lib/session/codec'
import { Reindexing } from '../../lib/session/reindexing'
import { FileStore } from '../../lib/store/files/file-store'
import { departure, reservation } from '../../lib/store/moving-marks'
import { SessionCipher } from '../../lib/store/session-cipher'
import { headerOf } from '../../lib/store/session-header'
import { sessionHandle } from '../../lib/store/session-id'
import type { PortableSession } from '../../lib/store/store-abilities'
import { MemoryStore } from '../support/map-store'
import { newSession } from '../support/new-session'
import { sessionDirectory } from '../support/session-files'

const INDEXES = { user: (data: Record<string, unknown>) => data['user'] as string }
const TOKEN = '1'.repeat(32)

async function begin (t: Test) {
  const store = new FileStore({ sessionDir: sessionDirectory(t) })
  await store.open()
  t.teardown(() => store.close())
  /** Calls `before` for each session before it is worked on. */
  const run = async (before = async (_session: PortableSession): Promise<void> => {}, indexes = INDEXES) =>
    await new Reindexing(store, indexes, JSON_CODEC).run(async work => {
      for await (const session of store.exportSessions()) {
        await before(session)
        await work(session)
      }
      return true
    })
  const found = async (user: string): Promise<string[]> => {
    const handles = []
    for await (const { handle } of store.sessionsOf('user', user)) handles.push(handle)
    return handles
  }
  const headOf = async (name: string) => headerOf((await store.read(name))?.text ?? '')
  return { store, run, found, headOf }
}

t.test('what became of each session is counted, and once more it is right', async t => {
  const { store, run, found, headOf } = await begin(t)
  const { name } = await newSession(store, { text: '{"user":"ada"}', idleTimeout: 60 })
  await newSession(store, '{}')
  await newSession(store, 'nonsense')
  await newSession(store, new SessionCipher('sid', { secrets: undefined, acceptPlain: true, writePlain: false }).seal('id', '{"user":"ada"}'))
  await newSession(store, departure(TOKEN, '{"user":"ada"}'))
  await newSession(store, reservation(TOKEN))
  t.match(await run(), { entered: 1, right: 1, encrypted: 1, gone: 0, moving: 2, failed: 1, error: { code: 'SESSION_UNDECODABLE' } })
  t.strictSame(await found('ada'), [sessionHandle(name)])
  t.match(await headOf(name), { indexed: Object })
  t.equal((await store.read(name))?.idleTimeout, 60)
  t.match(await run(), { entered: 0, right: 2, encrypted: 1, moving: 2, failed: 1 })
})

t.test('what else changes a session at the same time comes first', async t => {
  const { store, run, found } = await begin(t)
  const [changed, ended] = [await newSession(store, '{"user":"ada"}'), await newSession(store, '{"user":"eve"}')]
  const { replace } = store
  store.replaceNow = () => undefined
  const rivals = new Map([
    [changed.name, async () => { await replace.call(store, changed.name, { text: '{"user":"bob"}' }, changed.version) }],
    [ended.name, async () => { await store.remove(ended.name) }]
  ])
  store.replace = async (name, ...more) => {
    const rival = rivals.get(name)
    rivals.delete(name)
    await rival?.()
    return await replace.call(store, name, ...more)
  }
  t.match(await run(), { entered: 1, right: 0, gone: 1, failed: 0 })
  t.strictSame(await found('ada'), [])
  t.strictSame(await found('bob'), [sessionHandle(changed.name)])
  t.match(await store.read(changed.name), { text: /{"user":"bob"}$/ })
})

t.test('a session that ends before its turn is gone', async t => {
  const { store, run } = await begin(t)
  await newSession(store, '{"user":"ada"}')
  t.match(await run(async ({ name }) => { await store.remove(name) }), { entered: 0, gone: 1 })
})

t.test('a function that throws is told of, and an outage ends the run', async t => {
  const { store, run } = await begin(t)
  await newSession(store, '{"user":"ada"}')
  await newSession(store, '{"user":"bob"}')
  const broken = { user: (data: Record<string, unknown>) => { if (data['user'] === 'bob') throw new RangeError('bob'); return data['user'] as string } }
  t.match(await run(undefined, broken), { entered: 1, failed: 1, error: { code: 'SESSION_INDEX', message: /the function of the index user threw \(RangeError\)/ } })
  store.readNow = () => { throw asOutage(new SessionStoreError('the server is away')) }
  await t.rejects(run(), { code: 'SESSION_STORE' })
})

t.test('a store that can have no indexes', async t => {
  t.throws(() => new Reindexing(new MemoryStore(), INDEXES, JSON_CODEC), { code: 'SESSION_INDEX', message: /does not declare the feature indexable/ })
})
