import fs from 'node:fs'
import { crc32 } from 'node:zlib'
import { SessionFileError, SessionFileStore } from 'fastify-file-sessions'
import { sessionFiles, setTimes } from '../support/files.mjs'

/** Offsets in a record, see docs/session-file.md. */
const SUM = 4
const LENGTH = 8
const ID = 16
const PREVIOUS = 24
const FLAGS = 38
const FORMAT = 39
const HEADER = 40

/** Records that a later version may write. */
const NEWER = {
  'a seal with another flag': record => { record[FLAGS] = 0b1000_0001 },
  'an unknown flag': record => { record[FLAGS] = 0b1000_0000 },
  'an end with another flag': record => { record[FLAGS] = 0b0100_0010 },
  'a later format': record => { record[FORMAT] = 2 }
}

/** Appends a record that replaces the last, as a later version would. Returns its id. */
function append (path, change) {
  const bytes = fs.readFileSync(path)
  const last = bytes.subarray(bytes.lastIndexOf('FFS1', undefined, 'latin1'))
  const text = '{"by":"a later version"}'
  const record = Buffer.alloc(HEADER + text.length)
  last.copy(record, 0, 0, HEADER)
  record.writeUInt32LE(text.length, LENGTH)
  record.write('newer!!!', ID, 'latin1')
  last.copy(record, PREVIOUS, ID, ID + 8)
  record.write(text, HEADER)
  change(record)
  record.writeUInt32LE(crc32(record.subarray(SUM + 4)), SUM)
  fs.appendFileSync(path, record)
}

async function newerRecords (ground) {
  for (const [what, change] of Object.entries(NEWER)) {
    for (const isKnown of [false, true]) {
      const sessionDir = ground.directory()
      const maker = new SessionFileStore({ sessionDir })
      await maker.open()
      const sesid = await maker.newSession()
      await maker.putSession(sesid, '{"by":"this version"}')
      const [path] = sessionFiles(sessionDir)
      append(path, change)
      const before = fs.readFileSync(path)
      const store = isKnown ? maker : new SessionFileStore({ sessionDir })
      const error = await store.getSession(sesid).then(() => null, error => error)
      ground.judge(!(error instanceof SessionFileError), `a session is served whose last record is ${what}`)
      ground.succeeded('the error does not say that it was written by a newer version', error === null || /newer version/.test(error.message) ? 0 : 1)
      for (let save = 0; save < 12; save++) await store.putSession(sesid, 'x'.repeat(2500)).catch(() => {})
      ground.judge(isChanged(path, before), `a save writes to a file whose last record is ${what}`)
      setTimes(path, -1_000_000)
      await new SessionFileStore({ sessionDir }).reap()
      ground.judge(isChanged(path, before), `a sweep removes a file whose last record is ${what}`)
      ground.command(['clean', sessionDir, '--absolute', '1s'])
      ground.judge(isChanged(path, before), `file-sessions clean removes a file whose last record is ${what}`)
      await new SessionFileStore({ sessionDir }).delSession(sesid)
      ground.judge(fs.existsSync(path), `a session cannot be ended whose last record is ${what}`)
    }
  }
}

function isChanged (path, before) {
  return !fs.existsSync(path) || !fs.readFileSync(path).equals(before)
}

export const attacks = [{ entry: 27, name: 'records of a later version', run: newerRecords }]
