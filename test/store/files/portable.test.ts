import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import type { PortableSession } from '../../../lib/store/store-abilities'
import { age, ageAccess } from '../../support/aged-sessions'
import { newSession } from '../../support/new-session'
import { newFile, privateDirectory, sessionDirectory, sessionFiles } from '../../support/session-files'

const HOUR = 3600_000

async function exported (store: SessionFileStore): Promise<PortableSession[]> {
  const sessions: PortableSession[] = []
  for await (const session of store.exportSessions()) sessions.push(session)
  return sessions
}

t.test('a copy has the name, the id and the times of the original, to the millisecond', async t => {
  const directory = privateDirectory(t)
  const [from, to] = ['from', 'to'].map(name => new SessionFileStore({ sessionDir: join(directory, name) })) as [SessionFileStore, SessionFileStore]
  const createdAt = Date.now() - 5 * HOUR
  const { sesid } = await newSession(from, { text: 'grüße', idleTimeout: 90_000, createdAt })
  age(newFile(join(directory, 'from')), 4000)
  const [session, ...more] = await exported(from) as [PortableSession]
  t.strictSame(more, [])
  t.match(session, { name: from.nameOf(sesid), text: 'grüße', idleTimeout: 90_000, createdAt })
  t.match(await to.importSession(session), { result: 'created' })
  const { atimeMs, mtimeMs } = statSync(newFile(join(directory, 'to')))
  t.strictSame([Math.round(atimeMs), Math.round(mtimeMs)], [session.lastAccess, session.lastAccess])
  t.strictSame(await exported(to), [session])
  t.equal(await to.getSession(sesid), 'grüße')
  t.strictSame(await to.importSession(session), { result: 'taken' })
})

t.test('also when it was used a moment ago, or its clock is ahead', async t => {
  const store = new SessionFileStore({ sessionDir: sessionDirectory(t) })
  const { name } = await newSession(store)
  await store.remove(name)
  const lastAccess = Date.now() - 400
  await store.importSession({ name, text: '', idleTimeout: undefined, createdAt: lastAccess, lastAccess })
  t.match(await exported(store), [{ lastAccess, createdAt: lastAccess }])
  await store.remove(name)
  await store.importSession({ name, text: '', idleTimeout: undefined, createdAt: Date.now() + HOUR, lastAccess: Date.now() + HOUR })
  const [session] = await exported(store)
  t.ok((session as PortableSession).lastAccess <= Date.now(), 'what is from the future is from now')
  t.ok((session as PortableSession).createdAt <= Date.now())
})

t.test('the last access is the newer of the times that the file has', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  await newSession(store)
  const path = newFile(sessionDir)
  ageAccess(path, 1000)
  t.match(await exported(store), [{ lastAccess: Math.round(statSync(path).mtimeMs) }])
})

t.test('a session that has expired elsewhere is never read, and goes with the next sweep', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  const name = store.nameOf(await store.newId())
  const lastAccess = Date.now() - 3 * HOUR
  const session = { name, text: 'old', idleTimeout: undefined, createdAt: lastAccess, lastAccess }
  t.match(await store.importSession(session), { result: 'created' })
  t.equal(await store.read(name), null)
  t.strictSame(await exported(store), [])
  t.match(await store.reap(), { expired: 1 })
  t.strictSame(sessionFiles(sessionDir), [])
})

t.test('a name that is none is refused, and nothing is made', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  await store.open()
  const session = { name: '../x', text: '', idleTimeout: undefined, createdAt: 0, lastAccess: 0 }
  await t.rejects(store.importSession(session), { code: 'SESSION_ID' })
  t.strictSame(readdirSync(join(sessionDir, 'sid')), [])
})
