import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Pool } from 'pg'
import { createClient } from 'redis'
import t, { type Test } from 'tap'
import type { EncryptionOptions } from '../../lib/store/encryption-options'
import { PostgresSessionStore } from '../../lib/store/postgres/postgres-session-store'
import { RedisSessionStore } from '../../lib/store/redis/redis-session-store'
import type { PortableRecordStore, ReadableSessionStore } from '../../lib/store/store-abilities'
import { SessionCipher } from '../../lib/store/session-cipher'
import { NO_POSTGRES, PostgresServer } from '../support/postgres-server'
import { redisIsMissing, RedisServer } from '../support/redis-server'
import { change, look, Visits } from '../support/visits'

const WORD = 'planted-word'
const OLD = 'an old secret of 32 bytes at least'
const NEW = 'a new secret of 32 bytes at least'
const STRICT = { secrets: [NEW], acceptPlain: false }

type Encryption = boolean | EncryptionOptions
type Store = PortableRecordStore & Pick<ReadableSessionStore, 'texts'>

/** A server of a test's own. */
interface Kept {
  /** Returns a store of one more process. */
  makeStore (encryption: Encryption, appid?: string): Store
  /** Returns all bytes that the server has on the disk. */
  bytes (): Promise<Buffer>
  /** Puts a text in place of the one that is stored under the name. */
  plant (name: string, text: string): Promise<void>
}

async function inRedis (t: Test): Promise<Kept> {
  const server = await RedisServer.start(t, { rdbcompression: 'no', appendonly: 'yes', 'aof-use-rdb-preamble': 'no' })
  const client = createClient({ url: server.url })
  await client.connect()
  t.teardown(() => { client.destroy() })
  return {
    makeStore: (encryption, appid = 'sid') => new RedisSessionStore({ client, appid, encryption }),
    async bytes () {
      await server.run('BGREWRITEAOF')
      await server.until(['INFO', 'persistence'], answer => /aof_rewrite_in_progress:0/.test(answer) && /aof_rewrite_scheduled:0/.test(answer))
      await server.run('SAVE')
      return contentOf(server.directory)
    },
    async plant (name, text) {
      const [key = ''] = await server.run('KEYS', `*:{${name}}`) as string[]
      const value = String(await server.run('GET', key))
      const head = 69 + 21 * Number(value.slice(67, 69))
      await server.run('SET', key, value.slice(0, head) + text, 'KEEPTTL')
    }
  }
}

async function inPostgres (t: Test): Promise<Kept> {
  const server = await PostgresServer.start(t)
  const pool = new Pool({ ...server.address, max: 4 })
  pool.on('error', () => {})
  t.teardown(() => pool.end())
  return {
    makeStore: (encryption, appid = 'sid') => new PostgresSessionStore({ pool, appid, encryption }),
    async bytes () {
      await pool.query('CHECKPOINT')
      const { rows: [row] } = await pool.query<{ data_directory: string }>('SHOW data_directory')
      return contentOf(row?.data_directory ?? '')
    },
    async plant (name, text) {
      await pool.query('UPDATE sessions SET text = $2 WHERE name = $1', [name, text])
    }
  }
}

/** All bytes of all files below the directory. */
function contentOf (directory: string): Buffer {
  const paths = readdirSync(directory, { recursive: true }).map(path => join(directory, String(path)))
  return Buffer.concat(paths.filter(path => statSync(path).isFile()).map(path => readFileSync(path)))
}

const SERVERS = [['Redis', redisIsMissing, inRedis], ['PostgreSQL', NO_POSTGRES, inPostgres]] as const

for (const [title, skip, start] of SERVERS) {
  t.test(title, { skip }, async t => {
    const kept = await start(t)
    const processOf = async (encryption: Encryption, appid?: string): Promise<Visits> => {
      const store = kept.makeStore(encryption, appid)
      await store.open()
      t.teardown(() => store.close())
      return new Visits(store)
    }
    const textOf = async (visits: Visits, sesid: string): Promise<string> => {
      const store = visits.store as Store
      return (await store.read(store.nameOf(sesid)))?.text ?? ''
    }
    const plant = (visits: Visits, sesid: string, text: string): Promise<void> =>
      kept.plant((visits.store as Store).nameOf(sesid), text)

    await t.test('nothing of a session can be read on the disk of the server', async t => {
      for (const encryption of [true, { secrets: [NEW] }, STRICT]) {
        const visits = await processOf(encryption)
        const filling = 'x'.repeat(1000)
        const sesid = await visits.stored({ user: WORD, filling })
        for (let n = 0; n < 3; n++) await change(visits, sesid, { more: WORD, n })
        t.match(await textOf(visits, sesid), /^\$ffs1\$[\w-]+\$[\w-]+\.\d+:[\w-]+$/, 'with a part')
        const visit = await (await processOf(encryption)).begin(sesid)
        t.strictSame(visit.session.data(), { user: WORD, filling, more: WORD, n: 2 })
        await visit.session.regenerate(['user'])
        await visits.finish(visit)
        const bytes = await kept.bytes()
        t.notOk(bytes.includes(WORD))
        t.notOk(bytes.includes(sesid))
        t.ok(bytes.includes('$ffs1$'), 'what was looked at has sessions in it')
      }
    })

    await t.test('what is planted, swapped or edited is not served', async t => {
      const visits = await processOf(STRICT)
      const [ann, bob] = [await visits.stored({ user: 'ann' }), await visits.stored({ user: 'bob' })]
      const sealed = await textOf(visits, ann)
      const others = {
        'a plain session': '{"user":"admin"}',
        'an empty one': '',
        'one without the secret': kept.makeStore(true).cipher!.seal(bob, '{"user":"admin"}'),
        'one under another secret': kept.makeStore({ secrets: [OLD] }).cipher!.seal(bob, '{"user":"admin"}'),
        'one of another appid': kept.makeStore(STRICT, 'shop').cipher!.seal(bob, '{"user":"admin"}')
      }
      for (const [name, text] of Object.entries(others)) {
        await plant(visits, bob, text)
        t.equal(await look(visits, bob), null, name)
        if (await textOf(visits, bob) === '') await reborn(visits, bob)
      }
      await plant(visits, bob, sealed)
      t.equal(await look(visits, bob), null, 'another visitor\'s')
      t.equal(await textOf(visits, bob), '', 'and it is set aside')
      for (let at = 5; at < sealed.length; at += 11) {
        const sesid = await visits.stored({ user: 'eve' })
        const text = await textOf(visits, sesid)
        await plant(visits, sesid, text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1))
        t.equal(await look(visits, sesid), null, `edited at ${at}`)
      }
      t.strictSame(await look(visits, ann), { user: 'ann' })
    })

    await t.test('a damaged session that a good record has replaced meanwhile is not set aside', async t => {
      const visits = await processOf(STRICT)
      const sesid = await visits.stored({ n: 1 })
      const store = visits.store as Store
      const name = store.nameOf(sesid)
      const first = (await store.read(name))?.version ?? ''
      await change(visits, sesid, { n: 2 })
      await store.setAside(name, first)
      t.strictSame(await look(visits, sesid), { n: 2 })
    })

    await t.test('switched on, the secret changed, and switched off, with processes of both settings', async t => {
      const [off, ready, on] = [await processOf(false), await processOf({ secrets: [OLD], writePlain: true }), await processOf({ secrets: [OLD] })]
      const sesid = await off.stored({ n: 0 })
      await change(ready, sesid, { n: 1 })
      t.strictSame(await look(off, sesid), { n: 1 }, 'opened everywhere before it is written')
      await change(on, sesid, { n: 2 })
      t.match(await textOf(on, sesid), /^\$ffs1\$/)
      t.strictSame(await look(ready, sesid), { n: 2 })
      t.equal(await look(off, sesid), null)
      const [second, first, only] = [await processOf({ secrets: [OLD, NEW] }), await processOf({ secrets: [NEW, OLD] }), await processOf(STRICT)]
      await change(first, sesid, { n: 3 })
      t.strictSame(await look(second, sesid), { n: 3 })
      t.strictSame(await look(only, sesid), { n: 3 })
      t.equal(await look(on, sesid), null, 'of a secret that is not listed')
      await change(await processOf({ secrets: [NEW], writePlain: true }), sesid, { n: 4 })
      t.strictSame(await look(off, sesid), { n: 4 })
    })

    await t.test('the texts of all sessions cannot be handed out', async t => {
      const visits = await processOf(true, 'texts')
      await visits.stored({ n: 1 })
      await t.rejects(async () => { for await (const text of (visits.store as Store).texts()) t.fail(text) }, { code: 'SESSION_UNOPENED' })
    })

    await t.test('a store that is closed has no keys, and can be used on', async t => {
      const store = kept.makeStore(true)
      const visits = new Visits(store)
      const sesid = await visits.stored({ n: 1 })
      const clear = t.capture(store.cipher!, 'clear', () => { SessionCipher.prototype.clear.call(store.cipher) })
      await store.close()
      t.equal(clear().length, 1)
      t.strictSame(await look(visits, sesid), { n: 1 })
    })
  })
}

/** Makes the session anew, under its own id. */
async function reborn (visits: Visits, sesid: string): Promise<void> {
  const store = visits.store as Store
  await store.create(store.nameOf(sesid), store.cipher!.sealRecord(sesid, { text: '{"user":"bob"}' }))
}
