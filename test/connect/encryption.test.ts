import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { connectStore } from '../../lib/connect/connect-store'
import { fromConnectStore, type ConnectSessionStore } from '../../lib/connect/from-connect-store'
import { importFromSessionFileStore } from '../../lib/connect/import-from-session-file-store'
import { UnopenedError, unopenedSessions } from '../../lib/unopened'
import { MemoryStore } from '../support/map-store'
import { browserCookie, cookieFor, promised } from '../support/connect-calls'
import { Visits } from '../support/visits'

const OLD = 'an old secret of 32 bytes at least'
const NEW = 'a new secret of 32 bytes at least'
const ID = 'an-id-that-express-session-has-made'

t.test('express-session on an encrypted store', async t => {
  const sessions = new MemoryStore('sid', undefined, { secrets: [NEW] })
  const store = promised(connectStore(sessions))
  await store.set(ID, { cookie: cookieFor(100_000), user: 'ann' })
  t.match(sessions.recordOf(ID)?.text, /^\$ffs1\$/)
  t.match(await store.get(ID), { user: 'ann' })
  const { text } = sessions.recordOf(ID) ?? {}
  await store.set(ID, { cookie: cookieFor(100_000), user: 'ann' })
  t.equal(sessions.recordOf(ID)?.text, text, 'what has not changed is not sealed again')
  await store.touch(ID, { cookie: cookieFor(200_000) })
  t.equal(sessions.recordOf(ID)?.idleTimeout, 200)
  t.match(await store.get(ID), { user: 'ann' })
  await store.destroy(ID)
  t.equal(await store.get(ID), null)
})

t.test('ids that are too weak for keys make no session', async t => {
  const sessions = new MemoryStore('sid', undefined, true)
  const store = promised(connectStore(sessions))
  for (const weak of ['Zm9vYmFyYmF6cXV4Zm9vY', '1234567890'.repeat(3), 'x'.repeat(100)]) {
    await t.rejects(store.set(weak, { cookie: browserCookie }), { code: 'SESSION_ID', message: /fewer random bits than the 128 .* genid, .* 22 or more/ })
    t.equal(sessions.recordOf(weak), undefined)
  }
  await store.set('Zm9vYmFyYmF6cXV4Zm9vYm', { cookie: browserCookie })
  t.not(await store.get('Zm9vYmFyYmF6cXV4Zm9vYm'), null)
})

t.test('a damaged session is set aside, or replaced by a save', async t => {
  const sessions = new MemoryStore('sid', undefined, true)
  const store = promised(connectStore(sessions))
  const damage = (): void => { sessions.overwrite(ID, `${sessions.recordOf(ID)?.text}AAAA`) }
  await store.set(ID, { cookie: browserCookie, user: 'ann' })
  damage()
  await store.touch(ID, { cookie: cookieFor(200_000) })
  await store.set(ID, { cookie: browserCookie, user: 'bob' })
  t.match(await store.get(ID), { user: 'bob' })
  damage()
  t.equal(await store.get(ID), null)
  t.equal(sessions.asides.length, 1)
})

t.test('a session under a secret that is not listed is left alone', async t => {
  const sessions = new MemoryStore('sid', undefined, { secrets: [NEW] })
  const store = promised(connectStore(sessions))
  const text = new MemoryStore('sid', undefined, { secrets: [OLD] }).cipher.seal(ID, '{}')
  sessions.write(sessions.nameOf(ID), { text })
  const before = unopenedSessions().unlisted
  t.equal(await store.get(ID), null)
  await store.touch(ID, { cookie: cookieFor(200_000) })
  await store.set(ID, { cookie: browserCookie, user: 'bob' })
  t.equal(sessions.recordOf(ID)?.text, text)
  t.equal(unopenedSessions().unlisted, before + 3)
  const plain = promised(connectStore(Object.assign(new MemoryStore(), { cipher: undefined })))
  await plain.set(ID, { cookie: browserCookie, user: 'ann' })
  t.match(await plain.get(ID), { user: 'ann' })
})

t.test('trouble that is not the text\'s is an error', async t => {
  const sessions = new MemoryStore('sid', undefined, true)
  const store = promised(connectStore(sessions))
  await store.set(ID, { cookie: browserCookie })
  const trouble = new Error('no')
  sessions.cipher.open = () => { throw trouble }
  await t.rejects(store.get(ID), trouble)
  sessions.cipher.open = () => { throw new UnopenedError('damaged') }
  t.equal(await store.get(ID), null)
})

t.test('the plugin\'s encryption on a store for express-session', async t => {
  const kept = new Map<string, Record<string, unknown>>()
  const store: ConnectSessionStore = {
    get: (sesid, callback) => { callback(null, kept.get(sesid)) },
    set: (sesid, session, callback) => { kept.set(sesid, session as Record<string, unknown>); callback() },
    destroy: (sesid, callback) => { kept.delete(sesid); callback() }
  }
  const visits = new Visits(fromConnectStore(store), { encryption: { secrets: [NEW] } })
  const sesid = await visits.stored({ user: 'ann' })
  t.match(kept.get(sesid), { sealed: /^\$ffs1\$/, cookie: {} })
  t.equal(JSON.stringify([...kept.values()]).includes('ann'), false)
  t.strictSame((await visits.begin(sesid)).session.data(), { user: 'ann' })
  t.strictSame((await new Visits(fromConnectStore(store)).begin(sesid)).session.data(), {})
  t.equal(kept.size, 1)
  const plain = await new Visits(fromConnectStore(store)).stored({ sealed: 'envelope' })
  t.strictSame((await visits.begin(plain)).session.data(), { sealed: 'envelope' }, 'the app\'s own')
  const data = { user: 'ann', sealed: '$ffs1$-$AAAA' }
  const mine = await new Visits(fromConnectStore(store)).stored(data)
  t.strictSame((await visits.begin(mine)).session.data(), data, 'an encrypted session stands alone')
})

t.test('imported sessions are encrypted', async t => {
  const directory = join(t.testdir(), 'theirs')
  mkdirSync(directory)
  writeFileSync(join(directory, `${ID}.json`), JSON.stringify({ cookie: {}, __lastAccess: Date.now(), user: 'ann' }))
  const sessions = new MemoryStore('sid', undefined, { secrets: [NEW] })
  t.match(await importFromSessionFileStore(directory, sessions), { imported: 1 })
  t.match(sessions.recordOf(ID)?.text, /^\$ffs1\$/)
  t.strictSame(await sessions.getSession(ID), '{"user":"ann"}')
  t.match(await importFromSessionFileStore(directory, Object.assign(new MemoryStore(), { cipher: undefined }), { memory: join(directory, 'another') }), { imported: 1 })
})

t.test('a session with an id that is too weak for a key is not imported, when sessions are encrypted', async t => {
  const directory = join(t.testdir(), 'theirs')
  mkdirSync(directory)
  const weak = join(directory, '12345678901234567890123456789.json')
  writeFileSync(weak, JSON.stringify({ cookie: {}, __lastAccess: Date.now(), user: 'ann' }))
  const sessions = new MemoryStore('sid', undefined, { secrets: [NEW] })
  const report = await importFromSessionFileStore(directory, sessions)
  t.match(report, { imported: 0, failed: [{ path: weak, reason: /fewer random bits than the 128 .* log in anew/ }] })
  t.match(await importFromSessionFileStore(directory, new MemoryStore()), { imported: 1 }, 'it is, when they are not')
})
