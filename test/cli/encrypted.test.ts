import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Pool } from 'pg'
import { createClient } from 'redis'
import t, { type Test } from 'tap'
import { SessionFileStore } from '../../index'
import type { EncryptionOptions } from '../../lib/store/encryption-options'
import { departure } from '../../lib/store/moving-marks'
import { PostgresSessionStore } from '../../lib/store/postgres/postgres-session-store'
import { RedisSessionStore } from '../../lib/store/redis/redis-session-store'
import type { RecordStore } from '../../lib/store/session-store'
import { fileSessions } from '../support/command'
import { NO_POSTGRES, PostgresServer } from '../support/postgres-server'
import { redisIsMissing, RedisServer } from '../support/redis-server'
import { sessionDirectory } from '../support/session-files'

const OLD = 'an old secret of 32 bytes at least'
const NEW = 'a new secret of 32 bytes at least'
const TEXT = '{"user":"anna"}'

type MakeStore = (encryption: boolean | EncryptionOptions) => RecordStore

async function stored (store: RecordStore, text = TEXT): Promise<string> {
  const sesid = await store.newSession()
  await store.putSession(sesid, text)
  return sesid
}

function secretsFile (t: Test, ...secrets: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'secrets-'))
  t.teardown(() => { rmSync(directory, { recursive: true }) })
  const path = join(directory, 'secrets')
  writeFileSync(path, secrets.join('\n'), { mode: 0o600 })
  return path
}

/** What the command does in a place that is empty. */
async function usedAsPlace (t: Test, place: string, makeStore: MakeStore): Promise<void> {
  const [old, both, none, plain] = [{ secrets: [OLD] }, { secrets: [NEW, OLD] }, true, false].map(makeStore) as [RecordStore, RecordStore, RecordStore, RecordStore]
  await old.open()
  const oldest = await stored(old)
  const newest = await stored(both)
  await stored(both)
  const unsecret = await stored(none)
  const open = await stored(plain)
  const [newId = '', oldId = ''] = both.cipher!.keyIds
  const secrets = secretsFile(t, NEW, OLD)
  const of = async (...args: string[]): ReturnType<typeof fileSessions> => await fileSessions([args[0] ?? '', place, '--appid', 'shop', ...args.slice(1)])

  const json = await of('list', '--json')
  t.match(JSON.parse(json.out), [{
    sessions: 5,
    formats: { plain: 1, encrypted: 4 },
    encrypted: [{ format: 1, secret: newId, number: null, sessions: 2 }, {}, {}]
  }])
  const counted = JSON.parse((await of('list', '--json', '--secrets', secrets)).out) as Array<{ encrypted: unknown[] }>
  t.match(new Set(counted[0]?.encrypted), new Set([
    { format: 1, secret: newId, number: 1, sessions: 2 }, { format: 1, secret: oldId, number: 2, sessions: 1 },
    { format: 1, secret: null, number: null, sessions: 1 }
  ]))
  const { out: table } = await of('list', '--secrets', secrets)
  t.match(table, /^shop: 1 plain, 4 encrypted$/m)
  t.match(table, `shop: 2 encrypted under secret ${newId} (number 1), format 1\n`)
  t.match(table, `shop: 1 encrypted under secret ${oldId} (number 2), format 1\n`)
  t.match(table, 'shop: 1 encrypted without a secret, format 1\n')
  t.match(await of('list'), { out: `shop: 2 encrypted under secret ${newId}, format 1\n` })
  t.match((await of('list', '--sessions', '--json')).out, /"format":"encrypted"/)

  for (const sesid of [oldest, newest]) {
    t.match(await of('show', '--secrets', secrets, sesid), { exitCode: 0, out: `${TEXT}\n`, err: /encrypted under secret \S+ \(number \d\), format 1\n$/ })
  }
  t.match(await of('show', open), { exitCode: 0, out: `${TEXT}\n` })
  t.match(await of('show', '--secrets', secrets, open), { exitCode: 0, out: `${TEXT}\n` })
  t.match(await of('show', unsecret), { exitCode: 0, out: `${TEXT}\n`, err: /encrypted without a secret/ }, 'the id is enough')
  t.match(JSON.parse((await of('show', '--secrets', secrets, '--json', newest)).out), { format: 'encrypted', encrypted: { format: 1, secret: newId, number: 1 }, text: TEXT })

  const without = await of('show', newest)
  t.match(without, { exitCode: 2, out: '', err: new RegExp(`encrypted under secret ${newId} of the app: name a file that holds it with --secrets <file>`) })
  t.notOk(without.err.includes('anna'))
  const unlisted = await of('show', '--json', '--secrets', secretsFile(t, 'a secret of 32 random bytes, more or less'), newest)
  t.match(unlisted, { exitCode: 2, err: /under secret \S+, which is not in the file of secrets/ })
  t.match(JSON.parse(unlisted.out), { format: 'encrypted', text: null })

  const { text, version } = await both.read(both.nameOf(newest)) as { text: string, version: string }
  await both.replace(both.nameOf(newest), { text: `${text}AAAA` }, version)
  t.match(await of('show', '--secrets', secretsFile(t, NEW), newest), { exitCode: 2, out: '', err: /does not open: its text was changed/ })
  t.match(await of('verify'), { exitCode: 0 }, 'which needs no secret')
}

t.test('a session directory', async t => {
  const sessionDir = sessionDirectory(t)
  await usedAsPlace(t, sessionDir, encryption => new SessionFileStore({ sessionDir, appid: 'shop', encryption }))
})

t.test('Redis', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const client = createClient({ url: server.url })
  await client.connect()
  t.teardown(() => { client.destroy() })
  await usedAsPlace(t, server.url, encryption => new RedisSessionStore({ client, appid: 'shop', encryption }))
})

t.test('PostgreSQL', { skip: NO_POSTGRES }, async t => {
  const server = await PostgresServer.start(t)
  const pool = new Pool({ ...server.address, max: 2 })
  pool.on('error', () => {})
  t.teardown(() => pool.end())
  await usedAsPlace(t, server.url, encryption => new PostgresSessionStore({ pool, appid: 'shop', encryption }))
})

t.test('a session that moves is counted with its secret, and shown', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir, appid: 'shop', encryption: { secrets: [NEW] } })
  const sesid = await stored(store)
  const name = store.nameOf(sesid)
  const { text, version } = await store.read(name) as { text: string, version: string }
  await store.replace(name, { text: departure('a'.repeat(32), text) }, version)
  t.match(JSON.parse((await fileSessions(['list', sessionDir, '--json'])).out), [{ formats: { moving: 1 }, encrypted: [{ sessions: 1 }] }])
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', '--secrets', secretsFile(t, NEW), sesid]), { exitCode: 0, out: `${TEXT}\n`, err: /on its way/ })
})

t.test('a text whose heading is damaged', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir, appid: 'shop' })
  const sesid = await store.newSession()
  const name = store.nameOf(sesid)
  await store.replace(name, { text: '$ffs' }, (await store.read(name))?.version ?? '')
  t.match(await fileSessions(['list', sessionDir]), { exitCode: 0, out: /shop: 1 encrypted, as far as can be told/ })
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', sesid]), { exitCode: 2, out: '', err: /does not open/ })
})

t.test('sessions of the full length are read when they are encrypted', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir, appid: 'shop', encryption: true, maxSize: 65_536 })
  const sesid = await stored(store, 'x'.repeat(65_536))
  for (let round = 0; round < 20; round++) await store.putSession(sesid, String(round).padEnd(65_536))
  t.match(await fileSessions(['list', sessionDir, '--max-size', '64k']), { exitCode: 0, out: /1 encrypted without/ })
  const to = join(dirname(sessionDir), 'copy')
  t.match(await fileSessions(['copy', sessionDir, to, '--max-size', '64k']), { exitCode: 0, out: /1 copied/ })
  t.equal(await new SessionFileStore({ sessionDir: to, appid: 'shop', encryption: true }).getSession(sesid), '19'.padEnd(65_536))
})

t.test('import encrypts, with the secrets of a file', async t => {
  const from = t.testdir({ 'an-id-of-24-characters--.json': JSON.stringify({ cookie: {}, user: 'anna', __lastAccess: Date.now() }) })
  const sessionDir = join(from, 'sessions')
  const secrets = join(from, 'secrets')
  writeFileSync(secrets, NEW, { mode: 0o600 })
  t.match(await fileSessions(['import', from, sessionDir, '--appid', 'shop', '--secrets', secrets]), { exitCode: 0, out: /1 imported/ })
  t.match(await fileSessions(['list', sessionDir]), { out: /shop: 0 plain, 1 encrypted/ })
  const store = new SessionFileStore({ sessionDir, appid: 'shop', encryption: { secrets: [NEW], acceptPlain: false } })
  t.equal(await store.getSession('an-id-of-24-characters--'), TEXT)
})

t.test('a file of secrets that others can read, or that is not there, is not used', async t => {
  const sessionDir = sessionDirectory(t)
  await new SessionFileStore({ sessionDir, appid: 'shop' }).open()
  const secrets = secretsFile(t, NEW)
  chmodSync(secrets, 0o644)
  t.match(await fileSessions(['list', sessionDir, '--secrets', secrets]), { exitCode: 2, out: '', err: /is open to others: chmod 600 it\n$/ })
  t.match(await fileSessions(['list', sessionDir, '--secrets', `${secrets}-none`]), { exitCode: 2, out: '', err: /ENOENT/ })
  t.match((await fileSessions(['show', '--help'])).out, /--secrets <file>/)
})
