import t from 'tap'
import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SessionFileStore } from '../../../index'
import { systemError } from '../../../lib/errors'
import { localDisk } from '../../../lib/store/files/local-disk'
import { FileStore } from '../../../lib/store/files/file-store'
import type { SessionInfo } from '../../../lib/store/store-abilities'
import { age, Time } from '../../support/aged-sessions'
import { newFile, sessionDirectory, sessionFiles } from '../../support/session-files'
import { newSession } from '../../support/new-session'

async function all (store: SessionFileStore): Promise<SessionInfo[]> {
  const infos: SessionInfo[] = []
  for await (const info of store.sessions()) infos.push(info)
  return infos
}

t.test('sessions() says age, idle time, what is left of it, and size', async t => {
  const time = new Time()
  const store = new FileStore({ sessionDir: sessionDirectory(t), absoluteTimeout: 10_000 }, localDisk, time.clock)
  const { sesid } = await newSession(store, { text: 'grüße', idleTimeout: 5000 })
  time.pass(3000)
  await store.touch(store.nameOf(sesid))
  time.pass(1000)
  const [info, ...more] = await all(store)
  t.strictSame(more, [])
  t.strictSame(Object.keys(info as object).sort(), ['age', 'idle', 'idleLeft', 'size'], 'and no id')
  t.equal(info?.size, 7)
  t.equal(info?.age, 4_000_000)
  t.equal(Math.round(info?.idle as number), 1_000_000)
  t.equal(Math.round(info?.idleLeft as number), 4_000_000)
  time.pass(3900)
  t.equal(Math.round((await all(store))[0]?.idleLeft as number), 100_000)
  await store.touch(store.nameOf(sesid))
  t.equal((await all(store))[0]?.idleLeft, 2_100_000, 'the absolute timeout comes first')
})

t.test('sessions() leaves out what has expired, what holds nothing, and what is no session', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  t.strictSame(await all(store), [], 'nor is a missing directory an error')
  await newSession(store, 'expired')
  const expired = newFile(sessionDir)
  age(expired, 7201)
  await newSession(store, 'empty')
  const empty = newFile(sessionDir, [expired])
  writeFileSync(empty, '')
  await newSession(store, 'live')
  const live = newFile(sessionDir, [expired, empty])
  appendFileSync(live, 'a torn record')
  writeFileSync(join(dirname(live), 'notes'), '')
  await new SessionFileStore({ sessionDir, appid: 'other' }).newSession()
  const infos = await all(store)
  t.equal(infos.length, 1)
  t.match(infos, [{ size: 4 }])
  t.ok(Math.abs((infos[0] as SessionInfo).age) < 60_000)
})

t.test('sessions() reads as it is asked, and can be left at any time', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  for (let count = 0; count < 20; count++) await store.newSession()
  const left = store.sessions()
  t.match(await left.next(), { done: false, value: { size: 0 } })
  t.match(await left.return(), { done: true })
  let count = 0
  for await (const info of store.sessions()) {
    t.equal(info.size, 0)
    if (++count === 5) rmSync(join(sessionDir, 'sid'), { recursive: true })
  }
  t.ok(count < 20, 'what goes meanwhile is not seen any more')
})

t.test('sessions() and clear() reject when the directory is a file', async t => {
  const sessionDir = t.testdir({ sid: '' })
  chmodSync(sessionDir, 0o700)
  const store = new SessionFileStore({ sessionDir })
  await t.rejects(all(store), { name: 'SessionFileError', message: /^cannot use the session directory in .*ENOTDIR; .*move it away/ })
  await t.rejects(store.clear(), { name: 'SessionFileError', message: /^cannot use the session directory in .*ENOTDIR; .*move it away/ })
})

t.test('sessions() and clear() fail when a shard cannot be listed', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  await store.newSession()
  const [path = ''] = sessionFiles(sessionDir)
  const { opendir } = localDisk
  t.intercept(localDisk, 'opendir', {
    value: async (directory: string) => {
      if (directory === dirname(path)) throw systemError('EACCES', 'permission denied', 'opendir')
      return await opendir(directory)
    }
  })
  await t.rejects(all(store), { code: 'SESSION_FILE', cause: { code: 'EACCES' } })
  await t.rejects(store.clear(), { code: 'SESSION_FILE', cause: { code: 'EACCES' } })
})

t.test('clear() removes every session of the appid, for good', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  t.equal(await store.clear(), 0)
  const other = new SessionFileStore({ sessionDir, appid: 'other' })
  const { sesid: kept } = await newSession(other, 'kept')
  const { sesid: slow } = await newSession(store, 'one')
  const { sesid } = await newSession(store, 'two')
  for (const path of sessionFiles(join(sessionDir, 'sid'))) age(path, 7201)
  await newSession(store, 'three')
  const path = sessionFiles(join(sessionDir, 'sid'))[0] as string
  // A process that stalled while it rewrote that file: its lock goes too, so it cannot put it back.
  mkdirSync(`${path}.lock`)
  writeFileSync(join(`${path}.lock`, '0123456789abcdef'), '')
  writeFileSync(join(dirname(path), 'notes'), '')

  t.equal(await store.clear(), 3)
  t.strictSame(readdirSync(dirname(path)), ['notes'])
  t.notOk(existsSync(`${path}.lock`))
  t.equal(await store.getSession(sesid), null)
  await store.putSession(slow, 'again')
  t.equal(await store.getSession(slow), null)
  t.equal(await other.getSession(kept), 'kept')
  t.equal(await store.clear(), 0)
  await newSession(store, 'four')
  t.equal((await all(store)).length, 1)
})
