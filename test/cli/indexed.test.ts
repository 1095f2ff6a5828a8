import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Pool } from 'pg'
import { createClient } from 'redis'
import t, { type Test } from 'tap'
import { SessionFileStore, type SessionFinder } from '../../index'
import type { EncryptionOptions } from '../../lib/store/encryption-options'
import { PostgresSessionStore } from '../../lib/store/postgres/postgres-session-store'
import { RedisSessionStore } from '../../lib/store/redis/redis-session-store'
import type { PortableRecordStore } from '../../lib/store/store-abilities'
import { age } from '../support/aged-sessions'
import { fileSessions, twoApps } from '../support/command'
import { Browser, indexedApp } from '../support/indexed-app'
import { newSession } from '../support/new-session'
import { NO_POSTGRES, PostgresServer } from '../support/postgres-server'
import { redisIsMissing, RedisServer } from '../support/redis-server'
import { sessionDirectory, sessionFiles } from '../support/session-files'

const OLD = 'an old secret of 32 bytes at least'
const NEW = 'a new secret of 32 bytes at least'

type Store = PortableRecordStore & SessionFinder
type MakeStore = (encryption?: EncryptionOptions) => Store

function secretsFile (t: Test, ...secrets: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'secrets-'))
  t.teardown(() => { rmSync(directory, { recursive: true }) })
  const path = join(directory, 'secrets')
  writeFileSync(path, secrets.join('\n'))
  chmodSync(path, 0o600)
  return path
}

/** Makes a browser of an app on the store, which is logged in as nobody. */
function browsers (t: Test, store: Store): (agent?: string) => Browser {
  const app = indexedApp({ store })
  t.teardown(() => app.close())
  return agent => new Browser(app, agent)
}

async function handlesOf (place: string, value: string, ...more: string[]): Promise<string[]> {
  const { exitCode, out, err } = await fileSessions(['of', place, '--index', 'user', value, '--json', ...more])
  t.match({ exitCode, err }, { exitCode: 0, err: '' })
  return (JSON.parse(out) as Array<{ handle: string }>).map(({ handle }) => handle).sort()
}

/** What the commands do in a place that is empty. */
async function usedAsPlace (t: Test, place: string, makeStore: MakeStore): Promise<void> {
  const store = makeStore()
  await store.open()
  const browser = browsers(t, store)
  const [phone, laptop, other, old] = [browser('a phone'), browser('a laptop'), browser(), browser('an old one')]
  const [first, second, third] = [await phone.login('42'), await laptop.login('42'), await other.login('7')]
  t.strictSame(await handlesOf(place, '42'), [first, second].sort())
  const before = Date.now()
  const listed = JSON.parse((await fileSessions(['of', place, '--index', 'user', '42', '--json'])).out) as Array<Record<string, unknown>>
  const { createdAt, lastUsed, expiresAt, about } = listed.find(({ handle }) => handle === first) as Record<string, number>
  t.strictSame(about, { agent: 'a phone' })
  t.ok(createdAt !== undefined && Math.abs(before - createdAt) < 60_000 && lastUsed !== undefined && Math.abs(before - lastUsed) < 60_000)
  t.ok(expiresAt !== undefined && Math.abs(expiresAt - before - 7200_000) < 60_000)
  const printed = await fileSessions(['of', place, '--index', 'user', '42', '--appid', 'sid'], { isTTY: true })
  t.match(printed, { exitCode: 0, out: /^handle +created +last used +expires +about\n/ })
  t.match(printed.out, new RegExp(`^${first} +\\d+s ago +\\d+s ago +in [12]h( 59m)? +{"agent":"a phone"}$`, 'm'))

  t.match(await fileSessions(['revoke', place, first, '--json']), { exitCode: 0, out: /"revoked": 1/, err: '' })
  t.equal(await phone.user(), undefined)
  t.strictSame(await fileSessions(['revoke', place, first]), { exitCode: 1, out: '', err: 'file-sessions: appid sid has no session with this handle\n' })
  t.match(await fileSessions(['revoke', place, third, '--appid', 'sid']), { exitCode: 0, out: '', err: '' })
  t.equal(await other.user(), undefined)

  const again = await phone.login('42')
  await old.login('42')
  t.match(await fileSessions(['revoke', place, '--index', 'user', '42', '--except', second]), { exitCode: 0, out: 'sid: 2 revoked\n', err: '' })
  t.strictSame([await phone.user(), await laptop.user(), await old.user()], [undefined, '42', undefined])
  t.match(await fileSessions(['revoke', place, '--index', 'user', '42', `--except=${second}`, '--json']), { exitCode: 0, out: /"revoked": 0/, err: '' })
  t.match(await fileSessions(['revoke', place, '--index', 'user', '42', '--except', again]),
    { exitCode: 1, out: '', err: /no session with the handle of --except: no session was ended/ }, 'a handle that is none any more')
  t.equal(await laptop.user(), '42')
  t.match(await fileSessions(['revoke', place, '--index', 'user', '7']), { exitCode: 0, out: 'sid: 0 revoked\n', err: '' })
  t.match(await fileSessions(['revoke', place, '--index', 'usr', '42']), { exitCode: 0, out: 'sid: 0 revoked\n', err: /no session of appid sid is in an index usr: / })
  t.match(await fileSessions(['of', place, '--index', 'user', '7']), { exitCode: 0, out: /^handle .*\n$/, err: '' })
  t.strictSame(await handlesOf(place, '7'), [])
  t.match(await fileSessions(['revoke', place, '--index', 'user', '42']), { exitCode: 0, out: 'sid: 1 revoked\n', err: '' })
  t.equal(await laptop.user(), undefined)
}

/** Sessions that are older than the indexes. */
async function reindexed (t: Test, place: string, makeStore: MakeStore): Promise<void> {
  const store = makeStore()
  await store.open()
  const app = indexedApp({ store, indexes: undefined, about: undefined })
  t.teardown(() => app.close())
  const laptop = new Browser(app)
  const handle = await laptop.login('42')
  const path = join(mkdtempSync(join(tmpdir(), 'indexes-')), 'indexes.mjs')
  t.teardown(() => { rmSync(dirname(path), { recursive: true }) })
  writeFileSync(path, 'export const indexes = { user: data => data.user }')
  const secrets = secretsFile(t, NEW)
  t.match(await fileSessions(['reindex', place, '--module', path, '--secrets', secrets]), { exitCode: 0, out: 'sid: 1 entered, 0 right already, 0 gone, 0 failed\n', err: '' })
  t.strictSame(await handlesOf(place, '42', '--secrets', secrets), [handle])
  t.match(await fileSessions(['reindex', place, '--module', path, '--secrets', secrets]), { exitCode: 0, out: 'sid: 0 entered, 1 right already, 0 gone, 0 failed\n' })
  t.equal(await laptop.user(), '42')
  t.match(await fileSessions(['revoke', place, '--index', 'user', '42', '--secrets', secrets]), { exitCode: 0, out: 'sid: 1 revoked\n' })
  t.equal(await laptop.user(), undefined)
}

/** Values that are hashed, and `about` that is encrypted, under secrets. */
async function usedWithSecrets (t: Test, place: string, makeStore: MakeStore): Promise<void> {
  const store = makeStore({ secrets: [OLD] })
  await store.open()
  const laptop = browsers(t, store)('a laptop')
  const handle = await laptop.login('42')
  const keyId = store.cipher?.keyIds[0] as string
  for (const command of ['of', 'revoke']) {
    t.match(await fileSessions([command, place, '--index', 'user', '42']),
      { exitCode: 2, err: `file-sessions: the app hashes what is in the index user under secret ${keyId}: name a file that holds it with --secrets <file>\n` })
    t.match(await fileSessions([command, place, '--index', 'user', '42', '--secrets', secretsFile(t, NEW)]),
      { exitCode: 2, err: `under secret ${keyId}, which is not in the file of secrets\n` })
  }
  t.equal(await laptop.user(), '42')
  const secrets = secretsFile(t, NEW, OLD)
  t.strictSame(await handlesOf(place, '42', '--secrets', secrets), [handle])
  t.match(await fileSessions(['of', place, '--index', 'user', '42', '--secrets', secrets]), { out: /{"agent":"a laptop"}\n$/ })
  t.strictSame(await handlesOf(place, '7', '--secrets', secrets), [], 'the secret is there, and nobody is')
  t.match(await fileSessions(['revoke', place, '--index', 'user', '42', '--secrets', secrets]), { exitCode: 0, out: 'sid: 1 revoked\n' })
  t.equal(await laptop.user(), undefined)
}

t.test('a directory', async t => {
  const place = sessionDirectory(t)
  const makeStore: MakeStore = encryption => new SessionFileStore({ sessionDir: place, encryption })
  t.match(await fileSessions(['of', place, '--index', 'user', '42']), { exitCode: 2, err: /there is no directory/ })
  await t.test('as a place', t => usedAsPlace(t, place, makeStore))
  await t.test('with secrets', t => usedWithSecrets(t, place, makeStore))
  await t.test('reindexed', t => reindexed(t, place, makeStore))

  await t.test('sessions that the command would take for expired are ended all the same', async t => {
    const app = indexedApp({ store: new SessionFileStore({ sessionDir: place, idleTimeout: 7 * 86400 }), about: undefined })
    t.teardown(() => app.close())
    const laptop = new Browser(app)
    await laptop.login('42')
    for (const path of sessionFiles(join(place, 'sid'))) age(path, 86400)
    t.strictSame(await handlesOf(place, '42'), [])
    t.equal((await handlesOf(place, '42', '--idle', '7d')).length, 1)
    t.match(await fileSessions(['of', place, '--index', 'user', '42', '--idle', '7d']), { out: /ago +in 5d 23h {2}-\n$/ })
    t.match(JSON.parse((await fileSessions(['of', place, '--index', 'user', '42', '--idle', '7d', '--json'])).out), [{ about: {} }])
    t.match(await fileSessions(['revoke', place, '--index', 'user', '42']), { exitCode: 0, out: 'sid: 1 revoked\n' })
    t.equal(await laptop.user(), undefined)
  })
})

t.test('Redis', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const client = createClient({ url: server.url })
  await client.connect()
  t.teardown(() => { client.destroy() })
  const makeStore: MakeStore = encryption => new RedisSessionStore({ client, prefix: 'test:', encryption })
  await t.test('as a place', t => usedAsPlace(t, `${server.url}/0?prefix=test:`, makeStore))
  await t.test('with secrets', t => usedWithSecrets(t, `${server.url}/0?prefix=test:`, makeStore))
  await t.test('reindexed', t => reindexed(t, `${server.url}/0?prefix=test:`, makeStore))
})

t.test('PostgreSQL', { skip: NO_POSTGRES }, async t => {
  const server = await PostgresServer.start(t)
  const pool = new Pool({ connectionString: server.url })
  t.teardown(() => pool.end())
  const makeStore: MakeStore = encryption => new PostgresSessionStore({ pool, encryption })
  await t.test('as a place', t => usedAsPlace(t, server.url, makeStore))
  await t.test('with secrets', t => usedWithSecrets(t, server.url, makeStore))
  await t.test('reindexed', t => reindexed(t, server.url, makeStore))
})

t.test('what cannot be meant', async t => {
  const { sessionDir, shop, path } = await twoApps(t)
  const handle = 'A'.repeat(43)
  t.match(await fileSessions(['of', sessionDir, '42']), { exitCode: 2, err: /the option --index <name> must be given/ })
  t.match(await fileSessions(['of', sessionDir, '--index', 'user']), { exitCode: 2, err: /the argument <value> is missing/ })
  t.match(await fileSessions(['of', sessionDir, '--index', 'user', '42']), { exitCode: 2, err: /there are sessions of several apps \(__Host-admin, shop\): name one with --appid/ })
  t.match(await fileSessions(['revoke', sessionDir, '42']), { exitCode: 2, err: /that is not a handle: / })
  t.match(await fileSessions(['revoke', sessionDir, handle, '--except', handle]), { exitCode: 2, err: /--except goes with --index/ })
  t.match(await fileSessions(['revoke', sessionDir, '--index', 'user', '42', '--except', '7']), { exitCode: 2, err: /that is not a handle: / })
  t.match(await fileSessions(['revoke', sessionDir, '--appid', 'shop', '--except', `-${'A'.repeat(42)}`, '--index', 'user', '--', '-7']),
    { exitCode: 1, err: /no session with the handle of --except/ }, 'a handle and a value may begin with a hyphen')
  await newSession(shop, '$ffh9$ of a newer version')
  truncateSync(path, 4 * 1024 ** 3)
  t.match(await fileSessions(['revoke', sessionDir, '--appid', 'shop', '--index', 'user', '42']), { exitCode: 0, err: /no session of appid shop is in an index user/ }, 'where some cannot be read')
  t.match(await fileSessions(['revoke', sessionDir, '--appid', 'shop', handle]), { exitCode: 1, err: /appid shop has no session with this handle/ })
})

t.test('a place without sessions', async t => {
  const sessionDir = sessionDirectory(t)
  mkdirSync(sessionDir, { mode: 0o700 })
  t.match(await fileSessions(['of', sessionDir, '--index', 'user', '42']), { exitCode: 0, out: /^handle .*\n$/ })
  t.strictSame(await fileSessions(['of', sessionDir, '--index', 'user', '42', '--json']), { exitCode: 0, out: '[\n]\n', err: '' })
  t.match(await fileSessions(['revoke', sessionDir, 'A'.repeat(43)]), { exitCode: 1, err: /holds no sessions\n$/ })
})
