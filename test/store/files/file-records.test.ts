import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FileStore } from '../../../lib/store/files/file-store'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import { interceptedDisk } from '../../support/disks'
import { isClean, sealedJournal } from '../../support/journal-files'
import { newSession } from '../../support/new-session'
import { pathOf, sessionDirectory } from '../../support/session-files'

t.test('a session that this process ends while it saves it is gone afterwards', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const { name, version } = await newSession(new FileStore({ sessionDir }), 'first')
  let ending: Promise<unknown> | undefined
  const store = new FileStore({ sessionDir, durability: 'fsync' }, interceptedDisk(async (call, _given, proceed) => {
    if (call === 'fdatasync' && ending === undefined) {
      ending = store.remove(name)
      await ending
    }
    return await proceed()
  }))
  await store.read(name)
  t.match(await store.replace(name, { text: 'x' }, version), { result: 'replaced' })
  t.equal(await ending, 'removed')
  t.equal(await store.read(name), null)
})

t.test('a session that is destroyed while it is saved is gone', async t => {
  const sessionDir = sessionDirectory(t)
  const other = new SessionFileStore({ sessionDir })
  const disk = interceptedDisk(async (name, _given, call) => {
    if (name === 'write' && armed) await other.delSession(sesid)
    return await call()
  })
  let armed = false
  const store = new FileStore({ sessionDir }, disk)
  const { sesid, version } = await newSession(store, '')
  armed = true
  t.strictSame(await store.replace(store.nameOf(sesid), { text: 'late' }, version), { result: 'gone' })
  t.equal(await store.getSession(sesid), null)
})

t.test('a sealed file is rewritten before it is saved to', async t => {
  const sessionDir = sessionDirectory(t)
  const sesid = await new SessionFileStore({ sessionDir }).newSession()
  const path = pathOf(sessionDir, sesid)
  writeFileSync(path, sealedJournal('sealed'))
  const store = new SessionFileStore({ sessionDir })
  const stored = await store.read(store.nameOf(sesid))
  t.equal(stored?.text, 'sealed')
  t.equal((await store.replace(store.nameOf(sesid), { text: 'next' }, stored?.version ?? '')).result, 'replaced', 'at the same version')
  t.ok(isClean(path))
  t.equal(await store.getSession(sesid), 'next')
})
