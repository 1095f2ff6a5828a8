import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { SessionFileStore } from '../../index'
import { departure } from '../../lib/store/moving-marks'
import { sessionHandle } from '../../lib/store/session-id'
import { age } from '../support/aged-sessions'
import { fileSessions } from '../support/command'
import { newSession } from '../support/new-session'
import { newFile, sessionDirectory } from '../support/session-files'

function moduleIn (t: Test, sessionDir: string, source: string): string {
  const path = join(dirname(sessionDir), `${t.name.replaceAll(/\W/g, '-')}.mjs`)
  writeFileSync(path, source)
  return path
}

const INDEXES = 'export const indexes = { user: data => data.user }'

async function handlesOf (store: SessionFileStore, user: string): Promise<string[]> {
  const handles = []
  for await (const { handle } of store.sessionsOf('user', user)) handles.push(handle)
  return handles.sort()
}

t.test('sessions that are older than an index are entered', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  const expired = await newSession(store, '{"user":"ada"}')
  age(newFile(sessionDir), 3 * 3600)
  const [first, second] = [await newSession(store, '{"user":"ada"}'), await newSession(store, { text: '{"user":"ada"}', idleTimeout: 86400 })]
  await newSession(store, '{}')
  const encrypted = new SessionFileStore({ sessionDir, encryption: true })
  const sesid = await encrypted.newSession()
  await encrypted.putSession(sesid, '{"user":"ada"}')
  await newSession(store, departure('1'.repeat(32), '{"user":"ada"}'))
  const file = moduleIn(t, sessionDir, INDEXES)
  const createdAt = (await store.read(first.name))?.createdAt
  const command = ['reindex', sessionDir, '--module', file]
  t.strictSame(await fileSessions(command), {
    exitCode: 0,
    err: '',
    out: 'sid: 2 entered, 1 right already, 1 gone, 0 failed; 1 encrypted, which enter when they are saved; 1 on their way between two stores\n'
  })
  t.strictSame(await handlesOf(store, 'ada'), [first.name, second.name].map(sessionHandle).sort())
  t.equal((await store.read(first.name))?.createdAt, createdAt)
  t.equal((await store.read(second.name))?.idleTimeout, 86400)
  t.equal(await store.getSession(first.sesid), '{"user":"ada"}')
  t.match(JSON.parse((await fileSessions([...command, '--json'])).out), [{ appid: 'sid', entered: 0, right: 3, encrypted: 1, gone: 1, moving: 1, failed: 0 }])
  t.equal(await store.revokeAll('user', 'ada'), 2)
  t.equal(await store.read(expired.name), null)
})

t.test('that a session is entered is not use of it', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  const { name } = await newSession(store, '{"user":"ada"}')
  age(newFile(sessionDir), 1800)
  t.match(await fileSessions(['reindex', sessionDir, '--module', moduleIn(t, sessionDir, INDEXES)]), { out: /1 entered/ })
  const { lastAccess = NaN, touchDue } = await store.read(name) ?? {}
  t.ok(Math.abs(Date.now() - 1800_000 - lastAccess) < 60_000)
  t.equal(touchDue, true)
  t.strictSame(await handlesOf(store, 'ada'), [sessionHandle(name)])
})

t.test('a codec of the app, and what it cannot decode', async t => {
  const sessionDir = sessionDirectory(t)
  const store = new SessionFileStore({ sessionDir })
  const { name } = await newSession(store, 'user ada')
  await newSession(store, 'nonsense')
  const codec = 'export const codec = { encode: () => "", decode: text => ({ user: /^user (\\w+)/.exec(text)[1] }) }'
  t.match(await fileSessions(['reindex', sessionDir, '--module', moduleIn(t, sessionDir, `${INDEXES}\n${codec}`)]), {
    exitCode: 2, out: 'sid: 1 entered, 0 right already, 0 gone, 1 failed\n', err: /sid: 1 failed, the first: the stored session cannot be decoded/
  })
  t.strictSame(await handlesOf(store, 'ada'), [sessionHandle(name)])
})

t.test('a module that cannot be used', async t => {
  const sessionDir = sessionDirectory(t)
  await newSession(new SessionFileStore({ sessionDir }), '{}')
  t.match(await fileSessions(['reindex', sessionDir]), { exitCode: 2, err: /the option --module <file> must be given/ })
  t.match(await fileSessions(['reindex', sessionDir, '--module', './nowhere.mjs']), { exitCode: 2, err: /the module .\/nowhere.mjs cannot be used: Cannot find module/ })
})
