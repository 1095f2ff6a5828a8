import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { FileStore } from '../../../lib/store/files/file-store'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import { impatientDisk, stallingDisk, type StallingDisk } from '../../support/disks'
import { newSession } from '../../support/new-session'
import { filesIn, sessionDirectory, sessionFiles } from '../../support/session-files'

function filesWith (sessionDir: string, word: string): string[] {
  return filesIn(sessionDir).filter(path => readFileSync(path).includes(word))
}

/** A session that was saved as plain text a few times, and a store that is about to encrypt it by way of that disk. */
async function begin (t: Test, stalling?: StallingDisk, durability: 'os' | 'fsync' = 'os') {
  const sessionDir = sessionDirectory(t)
  const plain = new SessionFileStore({ sessionDir })
  await plain.open()
  const sesid = await plain.newSession()
  for (const text of ['planted-word 1', 'planted-word 2', 'planted-word 3']) await plain.putSession(sesid, text)
  const store = new FileStore({ sessionDir, encryption: true, durability }, stalling?.disk)
  return { sessionDir, sesid, store }
}

t.test('a record that takes the place of plain text begins a new file', async t => {
  const { sessionDir, sesid, store } = await begin(t)
  t.equal(filesWith(sessionDir, 'planted-word').length, 1)
  await store.putSession(sesid, 'planted-word 4')
  t.strictSame(filesWith(sessionDir, 'planted-word'), [])
  t.equal(filesIn(sessionDir).length, 1, 'nothing is left behind')
  const [path = ''] = sessionFiles(sessionDir)
  const { length } = readFileSync(path)
  await store.putSession(sesid, 'planted-word 5')
  t.ok(readFileSync(path).length > length, 'later ones are appended')
  t.equal(await store.getSession(sesid), 'planted-word 5')
})

t.test('the verbs do so as well, at once or later', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new FileStore({ sessionDir })
  await store.open()
  const { name, version } = await newSession(store, 'planted-word')
  await store.read(name)
  t.equal(store.replaceNow(name, { text: 'sealed', forgetEarlier: true }, version), undefined, 'that takes time')
  t.match(await store.replace(name, { text: 'sealed', forgetEarlier: true }, version), { result: 'replaced' })
  t.strictSame(filesWith(sessionDir, 'planted-word'), [])
})

t.test('a process that is killed, or stops, at any call of the switch: the next save leaves no plain text', async t => {
  for (const durability of ['os', 'fsync'] as const) {
    for (let step = 0; ; step++) {
      const stalling = stallingDisk(step)
      const { sessionDir, sesid, store } = await begin(t, stalling, durability)
      const saved = store.putSession(sesid, 'planted-word, saved by the killed process')
      const isStalled = await stalling.stalled(saved)
      const next = new FileStore({ sessionDir, encryption: true }, impatientDisk)
      await next.putSession(sesid, 'planted-word 5')
      t.strictSame(filesWith(sessionDir, 'planted-word'), [], `${durability}: killed before call ${step}, ${stalling.stalledIn() ?? 'none'}`)
      t.equal(await next.getSession(sesid), 'planted-word 5')
      stalling.goOn()
      await saved
      t.strictSame(filesWith(sessionDir, 'planted-word'), [], 'also when it was only stopped')
      if (!isStalled) break
    }
  }
})

t.test('set aside at a version', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new FileStore({ sessionDir })
  await store.open()
  const { name, version } = await newSession(store, 'text')
  await store.setAside(name, 'another')
  t.match(await store.read(name), { text: 'text' })
  await store.setAside(name, version)
  t.equal(await store.read(name), null)
  await store.setAside(name, version)
  t.equal(filesIn(sessionDir).length, 1)
})
