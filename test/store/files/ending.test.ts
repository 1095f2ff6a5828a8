import { appendFileSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import type { Disk } from '../../../lib/store/files/disk'
import { FileStore } from '../../../lib/store/files/file-store'
import type { FileView } from '../../../lib/store/files/file-view'
import { encodeRecord, fold } from '../../../lib/store/files/journal'
import { SessionFile } from '../../../lib/store/files/session-file'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import type { Removal } from '../../../lib/store/session-record'
import { age } from '../../support/aged-sessions'
import { impatientDisk, interceptedDisk, openDescriptors, pooledDisk, recordingDisk, stallingDisk, systemError } from '../../support/disks'
import { journalOf, recordOf, sealedJournal } from '../../support/journal-files'
import { newSession, type NewSession } from '../../support/new-session'
import { sessionFiles } from '../../support/session-files'

// What the tests make themselves is private as well.
process.umask(0o077)

interface Made extends NewSession { sessionDir: string, store: SessionFileStore, path: string }

async function made (t: Test, text = 'text'): Promise<Made> {
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new SessionFileStore({ sessionDir })
  const session = await newSession(store, text)
  const [path = ''] = sessionFiles(sessionDir)
  return { ...session, sessionDir, store, path }
}

function storeOn ({ sessionDir }: Made, disk: Disk): FileStore {
  return new FileStore({ sessionDir }, disk)
}

function beside (path: string): string[] {
  return readdirSync(dirname(path))
}

/** A disk on which the calls of this name fail. */
function failing (code: string, ...names: Array<keyof Disk>): Disk {
  return interceptedDisk(async (name, _given, call) => {
    if (names.includes(name)) throw systemError(code, name)
    return await call()
  })
}

t.test('a session is removed at the version that was read, and at no other', async t => {
  const { sessionDir, store, name, version, path } = await made(t)
  const other = new SessionFileStore({ sessionDir })
  const stored = await other.replace(name, { text: 'newer' }, version)
  t.equal(await store.remove(name, version), 'conflict')
  t.match(await store.read(name), { text: 'newer' })
  t.equal(await store.remove(name, stored.result === 'replaced' ? stored.version : ''), 'removed')
  for (const each of [store, other]) {
    t.equal(await each.read(name), null)
    t.strictSame(await each.replace(name, { text: 'late' }, version), { result: 'gone' })
    t.equal(await each.remove(name, version), 'gone')
    t.equal(await each.remove(name), 'gone')
    await each.touch(name)
  }
  t.strictSame(beside(path), [])
})

t.test('a removal reads a version that is not known yet, and takes a sealed file', async t => {
  const { sessionDir, name, version, path } = await made(t)
  t.equal(await new SessionFileStore({ sessionDir }).remove(name, 'another'), 'conflict')
  t.equal(await new SessionFileStore({ sessionDir }).remove(name, version), 'removed')
  for (const way of ['version', undefined]) {
    writeFileSync(path, sealedJournal('sealed'), { mode: 0o600 })
    const store = new SessionFileStore({ sessionDir })
    const read = await store.read(name)
    t.equal(read?.text, 'sealed')
    t.equal(await store.remove(name, way === undefined ? undefined : read?.version), 'removed')
    t.strictSame(beside(path), [])
  }
})

t.test('a session that has expired is gone, after the grace', async t => {
  const { store, name, version, path } = await made(t)
  age(path, 7230)
  t.equal(await store.read(name), null)
  age(path, 7300)
  t.equal(await store.read(name), null)
  t.equal(await store.remove(name, version), 'gone')
  t.ok(existsSync(path))
  t.equal(await store.remove(name), 'removed', 'but the file is there to be removed')
  t.strictSame(beside(path), [])
})

t.test('of many processes that remove a session one is told so, wherever one of them stalls', async t => {
  const ways: Record<string, (store: FileStore, made: Made) => Promise<Removal>> = {
    'at a version': async (store, { name, version }) => await store.remove(name, version),
    'at any version': async (store, { name }) => await store.remove(name)
  }
  for (const [slowWay, slow] of Object.entries(ways)) {
    for (const [quickWay, quick] of Object.entries(ways)) {
      let steps = 0
      for (; steps < 40; steps++) {
        const session = await made(t)
        const { disk, stalled, goOn } = stallingDisk(steps)
        const removing = slow(storeOn(session, disk), session)
        const wasStalled = await stalled(removing)
        const others = await Promise.all([1, 2].map(async () => await quick(storeOn(session, impatientDisk), session)))
        goOn()
        const answers = [await removing, ...others]
        const where = `${slowWay}, ${quickWay}, step ${steps}: ${answers.join()}`
        if (answers.filter(answer => answer === 'removed').length !== 1) t.fail(where)
        if (answers.some(answer => answer === 'conflict')) t.fail(where)
        if (await session.store.read(session.name) !== null) t.fail(`${where}: there again`)
        if (beside(session.path).length > 0) t.fail(`${where}: ${beside(session.path).join()}`)
        if (!wasStalled) break
      }
      t.ok(steps >= 6 && steps < 40, `${steps} steps`)
    }
  }
})

t.test('of a removal and a save at one version, one succeeds, wherever one of them stalls', async t => {
  for (const slow of ['removal', 'save'] as const) {
    let steps = 0
    for (; steps < 40; steps++) {
      const session = await made(t)
      const { name, version } = session
      const { disk, stalled, goOn } = stallingDisk(steps)
      const works = {
        removal: async (store: FileStore) => await store.remove(name, version),
        save: async (store: FileStore) => (await store.replace(name, { text: 'saved' }, version)).result
      }
      const late = works[slow](storeOn(session, disk))
      const wasStalled = await stalled(late)
      const first = await works[slow === 'removal' ? 'save' : 'removal'](storeOn(session, impatientDisk))
      goOn()
      const answers = [first, await late].join()
      const text = await session.store.getSession(session.sesid)
      const isRight = text === null ? /^(removed,gone|gone,removed)$/.test(answers) : /^replaced,conflict$|^conflict,replaced$/.test(answers) && text === 'saved'
      if (!isRight) t.fail(`${slow}, step ${steps}: ${answers}, ${String(text)}`)
      if (!wasStalled) break
    }
    t.ok(steps >= 5 && steps < 40, `${steps} steps`)
  }
})

t.test('a session is removed on a full disk too, unless it must be at a version', async t => {
  const { sessionDir, sesid, name, version, path } = await made(t)
  const store = new FileStore({ sessionDir }, failing('ENOSPC', 'write'))
  await t.rejects(store.remove(name, version), { name: 'SessionFileError', cause: { code: 'ENOSPC' } })
  t.equal(await store.getSession(sesid), 'text')
  t.equal(await store.remove(name), 'removed')
  t.equal(await store.remove(name), 'gone')
  t.strictSame(beside(path), [])
})

t.test('trouble with the lock, after the session was removed, makes no difference to which process removed it', async t => {
  for (const call of ['lstat', 'readdir', 'rmdir'] as const) {
    const session = await made(t)
    mkdirSync(`${session.path}.lock`)
    let isFirst = true
    const disk = interceptedDisk(async (name, [path], proceed) => {
      if (name === call && path === `${session.path}.lock` && isFirst) {
        isFirst = false
        throw systemError('EIO', call)
      }
      return await proceed()
    })
    t.equal(await storeOn(session, disk).remove(session.name), 'removed', call)
    t.strictSame(beside(session.path), [])
  }
})

t.test('a file that cannot be removed holds no session any more', async t => {
  const { sessionDir, store, name, version, path } = await made(t)
  const before = openDescriptors()
  t.equal(await new FileStore({ sessionDir }, failing('EACCES', 'rename')).remove(name, version), 'removed')
  t.match(fold(readFileSync(path)).tip, { ended: true, text: '' })
  for (const each of [store, new SessionFileStore({ sessionDir })]) {
    t.equal(await each.read(name), null)
    t.strictSame(await each.replace(name, { text: 'late' }, version), { result: 'gone' })
    t.equal(await each.remove(name, version), 'gone')
    const sessions = []
    for await (const session of each.sessions()) sessions.push(session)
    t.strictSame(sessions, [])
  }
  t.equal(await store.remove(name), 'gone')
  t.strictSame(beside(path), [], 'the next removal tidies up')
  t.equal(openDescriptors(), before)
})

t.test('with durability fsync it counts that the file is gone', async t => {
  const { sessionDir, name, version } = await made(t)
  const failingRename = new FileStore({ sessionDir, durability: 'fsync' }, failing('EACCES', 'rename'))
  await t.rejects(failingRename.remove(name, version), { cause: { code: 'EACCES' } })
  const { sessionDir: root, name: second, version: at, path } = await made(t)
  const { disk, calls } = recordingDisk(dirname(path))
  t.equal(await new FileStore({ sessionDir: root, durability: 'fsync' }, disk).remove(second, at), 'removed')
  t.strictSame(calls.slice(-3), ['open', 'fsync', 'close'], 'its entry is gone from the disk before the answer')
})

t.test('a session that was made anew under the name stays, wherever a removal stalls', async t => {
  const ways: Record<string, (disk: Disk, session: Made) => Promise<unknown>> = {
    'at a version': async (disk, { sessionDir, name, version }) => await new FileStore({ sessionDir }, disk).remove(name, version),
    'at any version': async (disk, { sessionDir, name }) => await new FileStore({ sessionDir }, disk).remove(name),
    'of one that has expired': async (disk, { path }) => {
      age(path, 8000)
      const view = await new SessionFile(path, impatientDisk, false).read()
      return view !== null && await new SessionFile(path, disk, false).removeJudged(view)
    },
    'of a file without a record': async (disk, { path }) => {
      writeFileSync(path, 'FFS1', { mode: 0o600 })
      age(path, 100)
      const view = await new SessionFile(path, impatientDisk, false).read()
      return view !== null && await new SessionFile(path, disk, false).removeJudged(view)
    },
    'by another creator': async (disk, { sessionDir, name, path }) => {
      age(path, 8000)
      return await new FileStore({ sessionDir }, disk).create(name, { text: 'theirs' })
    }
  }
  for (const [way, remove] of Object.entries(ways)) {
    let steps = 0
    let counts = 0
    for (; steps < 40; steps++) {
      const session = await made(t)
      const { disk, stalled, goOn } = stallingDisk(steps)
      const removing = remove(disk, session)
      const wasStalled = await stalled(removing)
      if (way.startsWith('at ') && existsSync(session.path)) age(session.path, 8000)
      const other = storeOn(session, impatientDisk)
      const { result } = await other.create(session.name, { text: 'mine' })
      goOn()
      const outcome = await removing as { result?: string } | string | boolean
      const theirs = typeof outcome === 'object' && outcome.result === 'created'
      const text = await other.getSession(session.sesid)
      // Removal at any version may come after the new session was made: then it has removed that one.
      const isRemoved = way === 'at any version' && outcome === 'removed' && text === null
      if (result === 'created' && !isRemoved && text !== 'mine') t.fail(`${way}, step ${steps}: ${String(text)}, ${JSON.stringify(outcome)}`)
      if (result === 'created' && theirs) t.fail(`${way}, step ${steps}: both were told created`)
      if (result === 'taken' && theirs && text !== 'theirs') t.fail(`${way}, step ${steps}: ${String(text)}`)
      if (result === 'created') counts++
      const left = beside(session.path).filter(name => !/^[0-9a-f]{62}$/.test(name))
      if (left.length > 0) t.fail(`${way}, step ${steps}: ${left.join()}`)
      if (!wasStalled) break
    }
    t.ok(steps >= 5 && steps < 40 && counts > 3, `${way}: ${steps} steps, ${counts} times created`)
  }
})

t.test('a session that was put back gives way to one that has its name', async t => {
  const { sessionDir, store, name, version, path } = await made(t)
  writeFileSync(`${path}-second`, journalOf(recordOf('second')), { mode: 0o600 })
  writeFileSync(`${path}-third`, journalOf(recordOf('third')), { mode: 0o600 })
  const disk = interceptedDisk(async (call, _given, proceed) => {
    if (call === 'rename') renameSync(`${path}-second`, path)
    if (call === 'link') renameSync(`${path}-third`, path)
    return await proceed()
  })
  t.equal(await new FileStore({ sessionDir }, disk).remove(name, version), 'removed')
  t.match(await store.read(name), { text: 'third' })
  t.equal(beside(path).length, 1)

  const broken = await made(t)
  const unlinkable = interceptedDisk(async (call, _given, proceed) => {
    if (call === 'rename') {
      renameSync(broken.path, `${broken.path}.moved`)
      linkSync(join(broken.sessionDir, 'other'), broken.path)
    }
    if (call === 'link') throw systemError('EIO', 'link')
    return await proceed()
  })
  writeFileSync(join(broken.sessionDir, 'other'), journalOf(recordOf('other')), { mode: 0o600 })
  const file = new SessionFile(broken.path, unlinkable, true)
  await t.rejects(file.end(broken.version), { code: 'EIO' }, 'what cannot be put back is not lost')
  t.equal(beside(broken.path).filter(name => name.endsWith('.tmp')).length, 1)
})

t.test('what was judged to be over stays, if it was used since', async t => {
  const { sessionDir, store, name, version, path } = await made(t)
  const file = new SessionFile(path, pooledDisk, false)
  const view = await file.read() as FileView
  await store.replace(name, { text: 'used' }, version)
  t.equal(await file.removeJudged(view), false)
  t.match(await store.read(name), { text: 'used' })
  const full = new SessionFile(path, failing('ENOSPC', 'write'), false)
  t.equal(await full.removeJudged(view), false, 'nor on a full disk')
  const now = await full.read()
  t.equal(now !== null && await full.removeJudged(now), true, 'where what is over is removed without a tombstone')
  t.equal(now !== null && await full.removeJudged(now), false, 'once')
  t.equal(await new SessionFileStore({ sessionDir }).read(name), null)
  writeFileSync(path, sealedJournal('sealed'), { mode: 0o600 })
  const sealed = new SessionFile(path, pooledDisk, true)
  const seen = await sealed.read()
  t.equal(seen !== null && await sealed.removeJudged(seen), true, 'a sealed file')
  t.strictSame(beside(path), [])
})

/** Makes the last record of the file one of a newer version. */
function makeNewer (path: string): void {
  writeFileSync(path, newerBytes(readFileSync(path)), { mode: 0o600 })
}

function newerBytes (bytes: Buffer): Buffer {
  bytes[39] = 2
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
  return bytes
}

t.test('a session that a newer version has stored is neither served nor changed, but can be removed', async t => {
  const { sessionDir, sesid, name, version, path } = await made(t)
  const known = new SessionFileStore({ sessionDir })
  await known.read(name)
  makeNewer(path)
  const bytes = readFileSync(path)
  const refusal = { name: 'SessionFileError', message: /newer version of fastify-file-sessions: update this process/ }
  const store = new SessionFileStore({ sessionDir })
  await t.rejects(store.getSession(sesid), refusal)
  await t.rejects(store.read(name), refusal)
  await t.rejects(store.putSession(sesid, 'x'), refusal)
  await t.rejects(store.replace(name, { text: 'x' }, version), refusal)
  await t.rejects(store.remove(name, version), refusal)
  await t.rejects(store.create(name, { text: 'x' }), refusal)
  await t.rejects(store.touch(name), refusal)
  await t.rejects(new SessionFile(path, pooledDisk, false).rewrite(), refusal)
  t.strictSame(readFileSync(path), bytes)
  t.equal(await store.remove(name), 'removed')
  t.strictSame(beside(path), [])

  const second = await made(t)
  const late = interceptedDisk(async (call, _given, proceed) => {
    if (call === 'write') appendFileSync(second.path, newerBytes(encodeRecord(recordOf('newer'), second.version)))
    return await proceed()
  })
  const writer = storeOn(second, late)
  await writer.read(second.name)
  await t.rejects(writer.replace(second.name, { text: 'x' }, second.version), refusal, 'also when it comes first by a moment')
})

t.test('a sealed file that another process removes, or replaces, at that moment', async t => {
  for (const event of ['removes', 'replaces', 'ends'] as const) {
    const { sessionDir, name, path } = await made(t)
    writeFileSync(path, sealedJournal('sealed'))
    const other = new FileStore({ sessionDir }, impatientDisk)
    let opens = 0
    const disk = interceptedDisk(async (call, _given, proceed) => {
      if (call === 'open' && ++opens === 2) {
        const version = event === 'removes' ? undefined : (await other.read(name))?.version
        if (event === 'replaces') await new SessionFile(path, impatientDisk, false).rewrite()
        else t.equal(await other.remove(name, version), 'removed')
      }
      return await proceed()
    })
    t.equal(await new FileStore({ sessionDir }, disk).remove(name), event === 'replaces' ? 'removed' : 'gone', event)
    t.strictSame(beside(path), [])
  }
})

t.test('a sealed file that is over makes room for good, wherever the process that rewrites it stalls', async t => {
  const ways: Record<string, (session: Made) => Promise<unknown>> = {
    'a creator': async () => {},
    'a sweep': async ({ sessionDir }) => await new FileStore({ sessionDir }, impatientDisk).reap()
  }
  for (const [way, free] of Object.entries(ways)) {
    let counts = 0
    let steps = 0
    for (; steps < 40; steps++) {
      const session = await made(t)
      writeFileSync(session.path, sealedJournal('old'), { mode: 0o600 })
      const { disk, stalled, goOn } = stallingDisk(steps)
      const rewriting = new SessionFile(session.path, disk, false).rewrite()
      const wasStalled = await stalled(rewriting)
      age(session.path, 8000)
      await free(session)
      const other = storeOn(session, impatientDisk)
      const { result } = await other.create(session.name, { text: 'new' })
      goOn()
      await rewriting
      if (result === 'created') counts++
      const text = await storeOn(session, impatientDisk).getSession(session.sesid)
      if (result === 'created' && text !== 'new') t.fail(`${way}, step ${steps}: ${String(text)}`)
      const left = beside(session.path).filter(name => !/^[0-9a-f]{62}$/.test(name))
      if (left.length > 0) t.fail(`${way}, step ${steps}: ${left.join()}`)
      if (!wasStalled) break
    }
    t.ok(counts > 5 && steps < 40, `${way}: ${steps} steps, ${counts} times created`)
  }
})

t.test('a tombstone in place of a sealed file is removed, and no other file that has the name then', async t => {
  const events = {
    refused: () => { throw systemError('EACCES', 'rename') },
    removed: (path: string) => { unlinkSync(path) },
    replaced: (path: string) => {
      writeFileSync(`${path}-other`, journalOf(recordOf('other')))
      renameSync(`${path}-other`, path)
    }
  }
  for (const [event, happen] of Object.entries(events)) {
    for (const durability of ['os', 'fsync'] as const) {
      const { sessionDir, store, name, path } = await made(t)
      writeFileSync(path, sealedJournal('sealed'))
      let isInPlace = false
      const disk = interceptedDisk(async (call, [from], proceed) => {
        // After the tombstone has its place the file there is opened, then moved away.
        if (isInPlace && (call === 'open' || call === 'rename') && from === path && (call === 'rename') === (event === 'refused')) happen(path)
        isInPlace ||= call === 'rename' && String(from).includes('.lock/')
        return await proceed()
      })
      t.equal(await new FileStore({ sessionDir, durability }, disk).remove(name), 'removed', `${event}, ${durability}`)
      t.equal((await store.read(name))?.text, event === 'replaced' ? 'other' : undefined)
      if (event !== 'refused') continue
      t.equal(beside(path).length, durability === 'os' ? 1 : 0, 'what cannot be moved is left to the sweep, or unlinked')
    }
  }
})

t.test('on a full disk a sealed file that is over is removed without a tombstone, with the lock of its rewriter', async t => {
  const { sessionDir, name, path } = await made(t)
  writeFileSync(path, sealedJournal('old'), { mode: 0o600 })
  age(path, 8000)
  const store = new SessionFileStore({ sessionDir })
  const rewriter = interceptedDisk(async (call, [, to], proceed) => {
    if (call === 'rename' && to === path) {
      t.match(await new FileStore({ sessionDir }, failing('ENOSPC', 'write', 'mkdir')).reap(), { expired: 1, failed: 0 })
      t.match(await store.create(name, { text: 'new' }), { result: 'created' })
    }
    return await proceed()
  })
  await new SessionFile(path, rewriter, false).rewrite()
  t.match(await new SessionFileStore({ sessionDir }).read(name), { text: 'new' })
  t.equal(beside(path).length, 1)
})

t.test('the locks of dead processes go with a session', async t => {
  const { store, name, path } = await made(t)
  mkdirSync(`${path}.lock`)
  writeFileSync(join(`${path}.lock`, '0123456789abcdef'), '')
  t.equal(await store.remove(name), 'removed')
  t.strictSame(beside(path), [])
  t.ok(statSync(dirname(path)).isDirectory())
})
