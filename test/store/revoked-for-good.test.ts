import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FileStore } from '../../lib/store/files/file-store'
import { newLogin } from '../../lib/store/index-entry'
import { headFor } from '../../lib/store/session-header'
import { sessionHandle } from '../../lib/store/session-id'
import { indexOf, type SessionIndex } from '../../lib/store/session-index'
import { VolatileDisk } from '../support/power-cut'
import { pathOf, sessionDirectory } from '../support/session-files'

// What the tests make themselves is private as well.
process.umask(0o077)

type Durability = 'os' | 'fsync'

/** Processes of one machine whose power is cut. */
function machine (t: Test) {
  const sessionDir = sessionDirectory(t)
  const platter = new VolatileDisk()
  t.teardown(() => { platter.close() })
  const process = (durability: Durability): FileStore => {
    const store = new FileStore({ sessionDir, durability }, platter.disk)
    t.teardown(() => store.close())
    return store
  }
  const cutPower = async (): Promise<void> => {
    for (const directory of readdirSync(sessionDir)) {
      for (const shard of readdirSync(join(sessionDir, directory))) platter.cutPower(join(sessionDir, directory, shard))
    }
  }
  return { sessionDir, process, cutPower }
}

async function login (store: FileStore, sesid: string): Promise<string> {
  const { entering, labels } = indexOf(store) as SessionIndex
  const [label] = labels.of('user', 42)
  const place = { label, login: newLogin(Date.now()) }
  const name = store.nameOf(sesid)
  await entering.enter(name, [place], undefined, undefined)
  await store.create(name, { text: `${headFor({ indexed: { [label]: place.login } })}{"user":42}` })
  t.equal(await entering.confirm(name, [place], Date.now()), true)
  return name
}

t.test('with durability fsync, what was revoked stays revoked when the power is cut', async t => {
  const { process, cutPower } = machine(t)
  const store = process('fsync')
  const [first, second, third] = [await login(store, 'first'), await login(store, 'second'), await login(store, 'third')]
  await cutPower()
  const after = process('fsync')
  t.equal(await after.revoke(sessionHandle(first)), true, 'sessions and lists are on the disk')
  await cutPower()
  t.strictSame(await Promise.all([first, second, third].map(async name => await process('os').read(name) !== null)), [false, true, true])
  t.equal(await process('fsync').revokeAll('user', 42), 2)
  await cutPower()
  const last = process('fsync')
  for (const name of [first, second, third]) t.equal(await last.read(name), null)
  t.equal(await last.revokeAll('user', 42), 0)
})

t.test('also what another process had removed a moment before, and had not brought to the disk', async t => {
  const { process, sessionDir, cutPower } = machine(t)
  const [durable, hasty] = [process('fsync'), process('os')]
  for (const [at, end] of [
    async (name: string) => await durable.revokeAll('user', 42) === 0 && name !== '',
    async (name: string, version: string) => await durable.remove(name, version) === 'gone'
  ].entries()) {
    const sesid = `session ${at}`
    const name = await login(durable, sesid)
    const { version = '' } = await durable.read(name) ?? {}
    await hasty.remove(name)
    t.equal(await end(name, version), true)
    await cutPower()
    t.notOk(existsSync(pathOf(sessionDir, sesid)))
  }
})

t.test('with durability os, a revocation may be lost with the power', async t => {
  const { process, cutPower } = machine(t)
  const name = await login(process('fsync'), 'session')
  t.equal(await process('os').revokeAll('user', 42), 1)
  await cutPower()
  t.not(await process('os').read(name), null)
})
