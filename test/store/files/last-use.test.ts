import { appendFileSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FileStore } from '../../../lib/store/files/file-store'
import { sessionPath, directoryName } from '../../../lib/store/files/file-names'
import { keepLastUse } from '../../../lib/store/files/last-use'
import { localDisk } from '../../../lib/store/files/local-disk'
import { SessionFile } from '../../../lib/store/files/session-file'
import type { SessionRecord } from '../../../lib/store/session-record'
import { newSession } from '../../support/new-session'
import { sessionDirectory } from '../../support/session-files'

const AN_HOUR_AGO = Math.round(Date.now() / 1000) - 3600

/** A session that was last used an hour ago. */
async function begin (t: Test) {
  const sessionDir = sessionDirectory(t)
  const store = new FileStore({ sessionDir })
  t.teardown(() => store.close())
  const { name, version } = await newSession(store, '{"n":0}')
  const path = sessionPath(join(sessionDir, directoryName('sid')), name)
  utimesSync(path, AN_HOUR_AGO, AN_HOUR_AGO)
  const replace = async (record: SessionRecord, at = version): Promise<string> => {
    const replacement = await store.replace(name, { ...record, keepLastUse: true }, at)
    return replacement.result === 'replaced' ? replacement.version : replacement.result
  }
  const lastUse = async (): Promise<number> => Math.round(((await store.read(name))?.lastAccess ?? NaN) / 1000)
  return { store, name, version, path, replace, lastUse }
}

t.test('a record that no visitor asked for leaves both times of the file as they were', async t => {
  const { store, name, path, replace, lastUse } = await begin(t)
  const version = await replace({ text: '{"n":1}' })
  t.equal(await lastUse(), AN_HOUR_AGO)
  t.match(statSync(path), { atimeMs: AN_HOUR_AGO * 1000, mtimeMs: AN_HOUR_AGO * 1000 })
  t.equal((await store.read(name))?.version, version)
  t.equal(await replace({ text: '{"n":2}' }, 'another'), 'conflict')
})

t.test('so does one by which the file is rewritten', async t => {
  const { replace, path, lastUse } = await begin(t)
  const { ino } = statSync(path)
  await replace({ text: '{"n":1}', forgetEarlier: true })
  t.not(statSync(path).ino, ino)
  t.equal(await lastUse(), AN_HOUR_AGO)
})

t.test('a use that another process has noted since this one looked stays', async t => {
  const { store, name, path, replace, lastUse } = await begin(t)
  await store.read(name)
  const later = AN_HOUR_AGO + 1000
  utimesSync(path, later, AN_HOUR_AGO)
  await replace({ text: '{"n":1}' })
  t.equal(await lastUse(), later)
})

t.test('a file that was used or written to after the record was, or is gone, is left as it is', async t => {
  const { path } = await begin(t)
  const file = new SessionFile(path, localDisk, false)
  const before = await file.read()
  if (before === null) throw new Error('no file')
  const times = (): number[] => { const { atimeMs, mtimeMs } = statSync(path); return [atimeMs, mtimeMs] }
  utimesSync(path, AN_HOUR_AGO + 5, AN_HOUR_AGO)
  await keepLastUse(file, before)
  t.strictSame(times(), [(AN_HOUR_AGO + 5) * 1000, AN_HOUR_AGO * 1000])
  utimesSync(path, AN_HOUR_AGO + 5, AN_HOUR_AGO + 5)
  await keepLastUse(file, before)
  t.strictSame(times(), [AN_HOUR_AGO * 1000, AN_HOUR_AGO * 1000], 'where there is one time alone, it may be that of the write')
  utimesSync(path, AN_HOUR_AGO, AN_HOUR_AGO)
  appendFileSync(path, 'more')
  const written = times()
  await keepLastUse(file, before)
  t.strictSame(times(), written)
  rmSync(path)
  await keepLastUse(file, before)
  t.equal(await file.read(), null)
  await keepLastUse(file, before)
})
