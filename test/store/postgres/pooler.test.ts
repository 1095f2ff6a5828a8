import { execFileSync, spawn } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { PostgresSessionStore } from '../../../lib/store/postgres/postgres-session-store'
import { freePort } from '../../support/free-port'
import { asOwner, NO_POSTGRES, OWNER, PostgresServer, type PostgresAddress } from '../../support/postgres-server'

const PGBOUNCER = '/usr/sbin/pgbouncer'

t.test('PgBouncer in transaction mode', { skip: NO_POSTGRES === false ? !hasPgBouncer() && 'PgBouncer is not installed' : NO_POSTGRES }, async t => {
  const server = await PostgresServer.start(t)
  const pool = new pg.Pool({ ...await startPgBouncer(t, server.address), max: 8 })
  t.teardown(() => pool.end())
  const direct = new pg.Pool({ ...server.address, max: 1 })
  t.teardown(() => direct.end())

  for (const prepare of [true, false]) {
    t.test(`with the option prepare ${prepare}`, async t => {
      const stores = Array.from({ length: 4 }, () => new PostgresSessionStore({ pool, prepare }))
      await Promise.all(stores.map(async (store, index) => {
        for (let round = 0; round < 10; round++) {
          const sesid = await store.newSession()
          const other = stores[(index + 1) % stores.length]!
          await other.putSession(sesid, 'text')
          t.equal(await store.getSession(sesid), 'text')
          const { version } = await store.read(store.nameOf(sesid)) as { version: string }
          t.equal(await other.remove(store.nameOf(sesid), version), 'removed')
          t.equal(await store.getSession(sesid), null)
        }
      }))
      t.match(await stores[0]!.reap(), { failed: 0 })
      await stores[0]!.open()
      t.equal(stores[0]!.warnings.some(warning => warning.includes('set the option prepare to false')), prepare && !keepsStatements())
      const { rows } = await pool.query('SHOW lock_timeout')
      t.same(rows, [{ lock_timeout: '0' }], 'nothing stays set on the connections')
    })

    t.test(`a client that came back with an open transaction, with the option prepare ${prepare}`, async t => {
      const store = new PostgresSessionStore({ pool, prepare })
      const sesid = await store.newSession()
      for (let round = 0; round < 8; round++) {
        const client = await pool.connect()
        await client.query('BEGIN')
        client.release()
        await store.putSession(sesid, `saved ${round}`)
        const { rows } = await direct.query('SELECT text FROM sessions WHERE name = $1', [store.nameOf(sesid)])
        t.same(rows, [{ text: `saved ${round}` }], 'what was answered is committed')
      }
    })
  }
})

function versionOfPgBouncer (): number {
  const [, minor = '0'] = /^PgBouncer 1\.(\d+)/.exec(execFileSync(PGBOUNCER, ['--version'], { encoding: 'latin1' })) ?? []
  return Number(minor)
}

function hasPgBouncer (): boolean {
  try {
    return versionOfPgBouncer() > 0
  } catch {
    return false
  }
}

/** Since 1.21 it knows the prepared statements of its clients, if max_prepared_statements is not 0. */
function keepsStatements (): boolean {
  return versionOfPgBouncer() >= 22
}

/** Starts a PgBouncer with fewer connections than clients; it ends with the test. */
async function startPgBouncer (t: Test, { host, port, database, user }: PostgresAddress): Promise<PostgresAddress> {
  const directory = mkdtempSync(join(tmpdir(), 'pgbouncer-'))
  const own = await freePort()
  writeFileSync(join(directory, 'users'), `"${user}" ""\n`)
  writeFileSync(join(directory, 'ini'), `[databases]
${database} = host=${host} port=${port} dbname=${database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = trust
auth_file = ${join(directory, 'users')}
pool_mode = transaction
default_pool_size = 3
`)
  for (const path of [directory, join(directory, 'users'), join(directory, 'ini')]) chownSync(path, OWNER.uid, OWNER.gid)
  const child = spawn(...asOwner(PGBOUNCER, [join(directory, 'ini')]))
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGINT')
    await ended
    rmSync(directory, { recursive: true })
  })
  let output = ''
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stderr as NodeJS.ReadableStream).on('line', line => {
      output += `${line}\n`
      if (line.includes('process up')) resolve()
    })
    child.once('close', () => { reject(new Error(`PgBouncer ended:\n${output}`)) })
  })
  return { host: '127.0.0.1', port: own, database, user }
}
