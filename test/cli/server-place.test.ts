import t from 'tap'
import { NotFound } from '../../lib/cli/place'
import { ServerPlace } from '../../lib/cli/server-place'
import { SessionStoreError } from '../../lib/errors'
import type { Lifetimes } from '../../lib/store/clock'
import { DAMAGED_TEXT } from '../../lib/store/session-header'
import type { Creation } from '../../lib/store/session-record'
import type { PortableRecordStore, PortableSession, ReapCounts } from '../../lib/store/store-abilities'
import { MemoryStore } from '../support/map-store'
import { newSession } from '../support/new-session'

const HOUR = 3600_000
const limits: Lifetimes = { idleTimeout: 7200, absoluteTimeout: undefined }

/** A store on a server, in memory. Each session was used as many milliseconds ago as `idle` says. */
class ServerStore extends MemoryStore implements PortableRecordStore {
  override readonly features = { records: true, portable: true, reapable: true } as const
  idle = 0
  failure: Error | null = null
  reaped = 0

  async * exportSessions (): AsyncGenerator<PortableSession> {
    for (const [name, { record: { text } }] of this.entries) yield { name, text, idleTimeout: undefined, createdAt: 1, lastAccess: Date.now() - this.idle }
    if (this.failure !== null) throw this.failure
  }

  async importSession (): Promise<Creation> {
    throw new Error('not here')
  }

  async reap (): Promise<ReapCounts> {
    this.reaped++
    return { seen: 7, expired: 3, orphans: 0, setAside: 0, failed: 0 }
  }
}

function begin (appids = ['shop']) {
  const store = new ServerStore('shop')
  const made: unknown[][] = []
  let closed = 0
  const place = new ServerPlace({
    title: 'redis://host',
    appids: async () => appids,
    makeStore: (...call) => { made.push(call); return store },
    async * findings () { yield { subject: 'server', isGood: true, text: 'answers' } },
    close: async () => { closed++ }
  })
  return { store, place, made, isClosed: () => closed === 1, appid: async () => (await place.appids('shop'))[0]! }
}

async function all <T> (items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

t.test('a server with the sessions of some appids', async t => {
  const { place, made, isClosed } = begin(['shop', '__Host-admin', 'blog'])
  t.equal(place.title, 'redis://host')
  t.strictSame((await place.appids()).map(({ appid, title }) => [appid, title]), [
    ['__Host-admin', 'redis://host, appid __Host-admin'], ['blog', 'redis://host, appid blog'], ['shop', 'redis://host, appid shop']])
  t.strictSame((await place.appids('blog')).map(({ appid }) => appid), ['blog'])
  await t.rejects(place.appids('other'), { constructor: NotFound, message: 'redis://host holds no sessions of appid other' })
  t.strictSame(await place.foreign(), [], 'other programs may use it')
  t.match(await all(place.findings()), [{ text: 'answers' }])
  made.length = 0
  const encryption = { secrets: undefined, acceptPlain: true, writePlain: false }
  place.store('shop', limits, encryption)
  t.strictSame(made, [['shop', limits, encryption]])
  await place.close()
  t.ok(isClosed())
})

t.test('sessions are read, and what cannot be is told without an end of the others', async t => {
  const { store, appid } = begin()
  const { name } = await newSession(store, '{"a":1}')
  const damaged = await newSession(store, DAMAGED_TEXT)
  const shop = await appid()
  let seen = 0
  const sessions = await all(shop.sessions(done => { seen = done }))
  t.match(sessions, [{ name, text: '{"a":1}' }, { error: { code: 'SESSION_UNOPENED' } }])
  t.equal(seen, 2)
  t.match(await all(shop.verify(() => {})), [
    { isSession: true, problem: null }, { isSession: false, problem: { kind: 'unreadable', what: 'redis://host, appid shop', reason: /does not open/ } }])
  store.entries.delete(damaged.name)
  store.failure = new Error('WRONGTYPE')
  t.match(await all(shop.sessions(() => {})), [{ name }, { error: { message: 'WRONGTYPE' } }])
  store.failure = new SessionStoreError('away', { cause: { code: 'TIMEOUT' } })
  t.match(await shop.clean(limits, { dryRun: true, onProgress () {} }), { seen: 1, expired: 0, failed: 1, error: store.failure })
})

t.test('one session is found by its name, and removed', async t => {
  const { store, appid } = begin()
  const { name } = await newSession(store, { text: '{"a":1}', idleTimeout: 7200, createdAt: 5 })
  const { peek } = store
  store.peek = name => { const stored = peek.call(store, name); return stored === null ? null : { ...stored, idleLeft: 1.5 * HOUR } }
  const shop = await appid()
  const found = await shop.find(name)
  t.match(found, { name, text: '{"a":1}', idleTimeout: 7200, createdAt: 5 })
  t.ok(Math.abs(Date.now() - HOUR / 2 - (found?.lastAccess ?? NaN)) < 60_000, 'it was used half an hour ago')
  t.equal(await shop.remove(name), true)
  t.equal(await shop.remove(name), false)
  t.equal(await shop.find(name), null)
})

t.test('a store that reaps does so; what would go is counted', async t => {
  const { store, appid } = begin()
  await newSession(store, '{}')
  await newSession(store, '{}')
  store.idle = 3 * HOUR
  const shop = await appid()
  t.match(await shop.clean(limits, { dryRun: true, onProgress () {} }), { seen: 2, expired: 2, failed: 0 })
  t.match(await shop.clean({ ...limits, idleTimeout: 4 * 3600 }, { dryRun: true, onProgress () {} }), { seen: 2, expired: 0 })
  t.equal(store.reaped, 0)
  t.match(await shop.clean(limits, { dryRun: false, onProgress () {} }), { seen: 7, expired: 3 })
  t.equal(store.reaped, 1)
  Object.assign(store, { features: { records: true, portable: true } })
  t.match(await shop.clean(limits, { dryRun: false, onProgress () {} }), { seen: 2, expired: 0 }, 'a server that removes them by itself')
})
