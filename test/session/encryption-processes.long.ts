import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { EncryptionOptions } from '../../lib/store/encryption-options'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { EncryptedApp } from '../support/encrypted-app'
import { Visits } from '../support/visits'
import { filesIn, pathOf, sessionDirectory } from '../support/session-files'

const WORD = 'planted-word'
const OLD = 'an old secret of 32 bytes at least'
const NEW = 'a new secret of 32 bytes at least'

function filesWith (paths: string[]): number {
  return paths.filter(path => readFileSync(path).includes(WORD)).length
}

t.test('switched on, the secret changed, and switched off, while two processes of both settings serve', async t => {
  const sessionDir = sessionDirectory(t)
  const deployments: Array<[boolean | EncryptionOptions, boolean]> = [
    [{ secrets: [OLD], writePlain: true }, true], [{ secrets: [OLD] }, false], [{ secrets: [OLD, NEW] }, false],
    [{ secrets: [NEW, OLD] }, false], [{ secrets: [NEW] }, false], [{ secrets: [NEW], writePlain: true }, true], [false, true]
  ]
  let [before, after] = [await EncryptedApp.start(t, { sessionDir, encryption: false }), await EncryptedApp.start(t, { sessionDir, encryption: false })]
  const sesids = await Promise.all(Array.from({ length: 4 }, () => before.begin(WORD)))
  let count = 1
  for (const [encryption, isPlain] of deployments) {
    await after.deploy({ sessionDir, encryption })
    await Promise.all(sesids.flatMap(sesid => Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? before : after).count(sesid))))
    count += 6
    for (const sesid of sesids) {
      for (const app of [before, after]) t.strictSame(await app.data(sesid), { word: WORD, count }, 'no update is lost, and both serve it')
    }
    await Promise.all(sesids.map(sesid => after.count(sesid)))
    count++
    t.equal(filesWith(sesids.map(sesid => pathOf(sessionDir, sesid))), isPlain ? sesids.length : 0)
    ;[before, after] = [after, before]
  }
})

t.test('a process that is killed in the middle of the switch', async t => {
  for (const killedAt of [3, 8, 13]) {
    await t.test(`after ${killedAt} answers`, async t => {
      const sessionDir = sessionDirectory(t)
      const off = new Visits(new SessionFileStore({ sessionDir }))
      const sesids = await Promise.all(Array.from({ length: 24 }, () => off.stored({ word: WORD, count: 0 })))
      const pathsOf = (some: string[]): string[] => some.map(sesid => pathOf(sessionDir, sesid))
      t.equal(filesWith(pathsOf(sesids)), sesids.length)

      const on = await EncryptedApp.start(t, { sessionDir, encryption: { secrets: [NEW] } })
      const answered: string[] = []
      const ended = once(on.process, 'exit')
      await Promise.all(sesids.map(async sesid => {
        await on.count(sesid).then(() => {
          answered.push(sesid)
          if (answered.length === killedAt) on.process.kill('SIGKILL')
        }, () => {})
      }))
      await ended
      t.ok(answered.length >= killedAt)
      t.equal(filesWith(pathsOf(answered)), 0, 'what was answered is encrypted, and nothing plain of it is there')

      const next = new Visits(new SessionFileStore({ sessionDir, encryption: { secrets: [NEW] } }))
      for (const sesid of sesids) {
        const visit = await next.begin(sesid)
        const { word, count } = visit.session.data()
        t.equal(word, WORD)
        t.ok(count === 1 || (count === 0 && !answered.includes(sesid)), 'no answered update is lost')
        visit.session.set('saved', true)
        await next.finish(visit)
      }
      t.equal(filesWith(filesIn(sessionDir)), 0)
    })
  }
})
