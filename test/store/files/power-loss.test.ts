import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FileStore } from '../../../lib/store/files/file-store'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import { openDescriptors, recordingDisk } from '../../support/disks'
import { newSession } from '../../support/new-session'
import { pathOf } from '../../support/session-files'
import { isClean, journalOf, recordOf, textIn } from '../../support/journal-files'

// What the tests make themselves is private as well.
process.umask(0o077)

/** A store with one session, and where its file is. */
async function oneSession (t: Test, ...texts: string[]): Promise<{ sessionDir: string, sesid: string, path: string }> {
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new SessionFileStore({ sessionDir })
  const sesid = await store.newSession()
  for (const text of texts) await store.putSession(sesid, text)
  return { sessionDir, sesid, path: pathOf(sessionDir, sesid) }
}

/** What a machine finds that starts after the power came back: the file with these bytes, and nothing in memory. */
async function afterwards (
  { sessionDir, sesid, path }: { sessionDir: string, sesid: string, path: string }, bytes: Buffer
): Promise<{ read: string | null, saved: string | null, clean: boolean }> {
  writeFileSync(path, bytes)
  const store = new SessionFileStore({ sessionDir })
  const read = await store.getSession(sesid)
  await store.putSession(sesid, 'saved afterwards')
  const saved = await new SessionFileStore({ sessionDir }).getSession(sesid)
  return { read, saved, clean: isClean(path) }
}

t.test('a file that is cut at any byte of its last record has the record before, and the next save repairs it', async t => {
  const session = await oneSession(t, 'the first text', 'the last text')
  const bytes = readFileSync(session.path)
  const start = bytes.length - 40 - 'the last text'.length
  for (let length = start; length < bytes.length; length++) {
    const found = await afterwards(session, bytes.subarray(0, length))
    t.strictSame(found, { read: 'the first text', saved: 'saved afterwards', clean: true }, `${length} bytes`)
  }
  t.strictSame(await afterwards(session, bytes), { read: 'the last text', saved: 'saved afterwards', clean: true })
})

t.test('a file in which any byte of the last record is flipped has the record before', async t => {
  const session = await oneSession(t, 'the first text', 'the last text')
  const bytes = readFileSync(session.path)
  const start = bytes.length - 40 - 'the last text'.length
  for (let position = start; position < bytes.length; position++) {
    const flipped = Buffer.from(bytes)
    flipped[position]! ^= 0xff
    const found = await afterwards(session, flipped)
    t.strictSame(found, { read: 'the first text', saved: 'saved afterwards', clean: true }, `byte ${position}`)
  }
})

t.test('a file whose last record is zeros, as filesystems leave what they had no time to write, has the record before', async t => {
  const session = await oneSession(t, 'the first text', 'the last text')
  const bytes = readFileSync(session.path)
  bytes.fill(0, bytes.length - 40 - 'the last text'.length)
  t.strictSame(await afterwards(session, bytes), { read: 'the first text', saved: 'saved afterwards', clean: true })
})

t.test('garbage at the end of a file does no harm', async t => {
  const session = await oneSession(t, 'the last text')
  const bytes = readFileSync(session.path)
  const alien = journalOf(recordOf('of another session'), recordOf('and its second record'))
  const garbage = [Buffer.from('x'), Buffer.alloc(4096), Buffer.from('FFS1'), Buffer.from('FFS1'.repeat(100)), alien.subarray(0, 60)]
  for (const each of garbage) {
    const found = await afterwards(session, Buffer.concat([bytes, each]))
    t.strictSame(found, { read: 'the last text', saved: 'saved afterwards', clean: true })
  }
  const { read, saved } = await afterwards(session, Buffer.concat([bytes, alien]))
  t.strictSame([read, saved], ['the last text', 'saved afterwards'], 'whole records that replace nothing here are void')
})

t.test('garbage that comes while the session is known does no harm', async t => {
  const { sessionDir, sesid, path } = await oneSession(t, 'text')
  const store = new SessionFileStore({ sessionDir })
  t.equal(await store.getSession(sesid), 'text')
  appendFileSync(path, 'garbage')
  t.equal(await store.getSession(sesid), 'text')
  await store.putSession(sesid, 'next')
  t.equal(await store.getSession(sesid), 'next')
  t.ok(isClean(path))
})

t.test('a file without a whole record holds no session, is no error, and none comes back', async t => {
  const session = await oneSession(t)
  const bytes = readFileSync(session.path)
  for (const left of [Buffer.alloc(0), bytes.subarray(0, 39), Buffer.alloc(40), Buffer.from('FFS1')]) {
    writeFileSync(session.path, left)
    const store = new SessionFileStore({ sessionDir: session.sessionDir })
    t.equal(await store.getSession(session.sesid), null)
    await store.putSession(session.sesid, 'text')
    t.equal(await store.getSession(session.sesid), null)
    t.strictSame(readFileSync(session.path), left)
  }
  await new SessionFileStore({ sessionDir: session.sessionDir }).delSession(session.sesid)
  t.throws(() => readFileSync(session.path), { code: 'ENOENT' })
})

t.test('with durability fsync, file and directories are on the disk before the promise resolves', async t => {
  const root = t.testdir()
  const sessionDir = join(root, 'sessions')
  const { disk, calls } = recordingDisk(root)
  const store = new FileStore({ sessionDir, durability: 'fsync' }, disk)
  const before = openDescriptors()
  const { sesid } = await newSession(store, 'text')
  const [shard = ''] = readdirSync(join(sessionDir, 'sid'))
  const [name = ''] = readdirSync(join(sessionDir, 'sid', shard))
  const [dir, file] = [`sessions/sid/${shard}`, `sessions/sid/${shard}/${name}`]
  const making = calls.splice(0).map(call => call.replace(/[0-9a-f]{16}\.tmp/, 'tmp'))
  t.strictSame(making.filter(call => /write|sync|link/.test(call)), [
    ...['write', 'fdatasync', 'link', 'unlink'].map(call => `${call} ${file}.tmp`), `fsync ${dir}`],
  'complete and on the disk before it has its name, and its entry after')

  await store.putSession(sesid, 'second')
  t.strictSame(calls.splice(0).filter(call => /write|sync/.test(call)), [`write ${file}`, `fdatasync ${file}`],
    'its entry is on the disk already')

  const other = new FileStore({ sessionDir, durability: 'fsync' }, disk)
  await other.putSession(sesid, 'third')
  const seen = calls.splice(0)
  t.ok(seen.indexOf(`fdatasync ${file}`) > seen.indexOf(`write ${file}`) && seen.includes(`write ${file}`))
  t.ok(seen.includes(`fsync ${dir}`), 'a process that did not make the file cannot know')
  await other.putSession(sesid, 'fourth')
  t.notOk(calls.splice(0).includes(`fsync ${dir}`), 'but now it does')

  appendFileSync(join(root, file), 'garbage')
  await store.putSession(sesid, 'fifth')
  const steps = calls.map(call => call.replaceAll(/[0-9a-f]{16}(?=\.tmp|$)/g, 'TOKEN').replace(file, 'FILE'))
  t.ok(steps.indexOf('rename FILE.lock/TOKEN') > steps.indexOf('fdatasync FILE.TOKEN.tmp/TOKEN'))
  t.ok(steps.lastIndexOf(`fsync ${dir}`) > steps.indexOf('rename FILE.lock/TOKEN'))
  t.equal(textIn(join(root, file)), 'fifth')
  t.equal(openDescriptors(), before)
})

t.test('with durability fsync, a session that was destroyed stays so', async t => {
  const root = t.testdir()
  const sessionDir = join(root, 'sessions')
  const { disk, calls } = recordingDisk(root)
  const store = new FileStore({ sessionDir, durability: 'fsync' }, disk)
  const sesid = await store.newSession()
  const [shard = ''] = readdirSync(join(sessionDir, 'sid'))
  const [name = ''] = readdirSync(join(sessionDir, 'sid', shard))
  calls.length = 0
  await store.delSession(sesid)
  t.ok(calls.includes(`rename sessions/sid/${shard}/${name}`))
  t.strictSame(readdirSync(join(sessionDir, 'sid', shard)), [])
  t.strictSame(calls.slice(-3), ['open', 'fsync', 'close'].map(call => `${call} sessions/sid/${shard}`), 'the entry goes from the disk as well')
  rmdirSync(join(sessionDir, 'sid', shard))
  await store.delSession(sesid)
  t.notOk(existsSync(join(sessionDir, 'sid', shard)), 'where there is no directory any more there is nothing to sync')
})

t.test('with durability fsync, a save that comes second is synced as well', async t => {
  const root = t.testdir()
  mkdirSync(join(root, 'sessions'), { mode: 0o700 })
  const options = { sessionDir: join(root, 'sessions'), durability: 'fsync' as const }
  const { disk, calls } = recordingDisk(root)
  const [one, other] = [new FileStore(options, disk), new FileStore(options, disk)]
  const sesid = await one.newSession()
  await Promise.all(['a', 'b', 'c', 'd'].map(text => (text < 'c' ? one : other).putSession(sesid, text)))
  t.equal(calls.filter(call => call.startsWith('fdatasync')).length, 5, 'each of them, and the first')
  t.ok(calls.filter(call => call.startsWith('write')).length >= 5)
})
