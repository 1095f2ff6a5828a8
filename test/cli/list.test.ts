import t from 'tap'
import { chmodSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { SessionFileStore } from '../../index'
import { localDisk } from '../../lib/store/files/local-disk'
import { sessionHandle, storageName } from '../../lib/store/session-id'
import { age } from '../support/aged-sessions'
import { sessionDirectory } from '../support/session-files'
import { fileSessions, twoApps } from '../support/command'

const DAY = 24 * 3600

t.test('list says how many, how old and how big, and names no session', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  age(path, 3 * DAY)
  const before = statSync(path).atimeMs
  const { exitCode, out, err } = await fileSessions(['list', sessionDir, '--json'])
  t.equal(exitCode, 0)
  t.equal(err, '')
  const [admin, shop, ...more] = JSON.parse(out) as Array<{ idle: { max: number } }>
  t.strictSame(more, [])
  t.match(admin, { appid: '__Host-admin', sessions: 1, size: { min: 15, avg: 15, max: 15, total: 15 } })
  t.match(shop, { appid: 'shop', sessions: 3, size: { min: 0, avg: 6, max: 15, total: 17 } })
  t.equal(Math.floor(shop?.idle.max as number / DAY / 1000), 3)
  t.equal(statSync(path).atimeMs, before, 'and being listed is no use')

  const table = await fileSessions(['list', sessionDir])
  t.equal(table.exitCode, 0)
  const lines = table.out.split('\n')
  t.match(lines[0], /^appid +sessions +age min +avg +max +idle min/)
  t.match(lines[1], /^__Host-admin +1 +/)
  t.match(lines[2], /^shop +3 .* 3d +0 +6 +15 +17$/)
  for (const text of [out, table.out]) {
    t.notOk(text.includes(sesid))
    t.notOk(text.includes(path.slice(-62)))
    t.notOk(text.includes('anna'))
  }
})

t.test('list of an empty directory, and of an app without sessions', async t => {
  const sessionDir = sessionDirectory(t)
  mkdirSync(sessionDir, { mode: 0o700 })
  t.match(await fileSessions(['list', sessionDir, '--json']), { exitCode: 0, out: '[]\n' })
  await new SessionFileStore({ sessionDir }).open()
  const { out } = await fileSessions(['list', sessionDir, '--json'])
  t.match(JSON.parse(out), [{ appid: 'sid', sessions: 0, age: { min: 0, avg: 0, max: 0 } }])
})

t.test('list of one app, and of each session', async t => {
  const { sessionDir, sesid, path } = await twoApps(t)
  age(path, 3 * DAY)
  t.match(JSON.parse((await fileSessions(['list', sessionDir, '--appid', 'shop', '--json'])).out), [{ appid: 'shop', sessions: 3, formats: { plain: 3 }, unreadable: 0 }])
  const handle = sessionHandle(storageName('shop', sesid))
  const { exitCode, out } = await fileSessions(['list', sessionDir, '--sessions'])
  t.equal(exitCode, 0)
  t.match(out, /^handle +age +idle +bytes +appid\n/)
  t.match(out, new RegExp(`^${handle} +\\d+s +3d +15  shop$`, 'm'))
  t.equal(out.trimEnd().split('\n').length, 5)
  t.notOk(out.includes(path.slice(-62)))
  const sessions = JSON.parse((await fileSessions(['list', sessionDir, '--sessions', '--json'])).out) as Array<{ handle: string }>
  t.equal(sessions.length, 4)
  t.match(sessions.find(each => each.handle === handle), { appid: 'shop', size: 15, format: 'plain' })
})

t.test('list leaves out what holds no session, and what ends meanwhile', async t => {
  const { sessionDir, shopFiles: [empty, ...others] } = await twoApps(t)
  writeFileSync(empty as string, '')
  const { close } = localDisk
  t.intercept(localDisk, 'close', {
    value: async (fd: number) => {
      await close(fd)
      for (const path of others) rmSync(path, { force: true })
    }
  })
  t.match(JSON.parse((await fileSessions(['list', sessionDir, '--appid', 'shop', '--json'])).out), [{ sessions: 0, unreadable: 0 }])
})

t.test('list goes on after what it cannot read', async t => {
  const { sessionDir, path, shopFiles } = await twoApps(t)
  truncateSync(path, 4 * 1024 ** 3)
  const reason = /shop: 1 could not be read, the first: a session file has 4294967296 bytes, and with this maxSize none can have more than \d+/
  for (const more of [[], ['--sessions'], ['--sessions', '--json']]) {
    t.match(await fileSessions(['list', sessionDir, ...more]), { exitCode: 2, err: reason })
  }
  t.match(JSON.parse((await fileSessions(['list', sessionDir, '--json'])).out), [{ sessions: 1 }, { sessions: 2, unreadable: 1 }])
  t.match(await fileSessions(['stats', sessionDir, '--appid', 'shop']), { exitCode: 2, err: reason })
  t.match(await fileSessions(['verify', sessionDir]), { exitCode: 2, out: /^unreadable {2}\S+: a session file has 4294967296 bytes/ })
  truncateSync(path, 100 * 1024 ** 2)
  t.match(await fileSessions(['list', sessionDir]), { exitCode: 2 })
  t.match(await fileSessions(['list', sessionDir, '--max-size', '2m']), { exitCode: 0 }, 'for an app with a larger maxSize')
  chmodSync(dirname(shopFiles[1] as string), 0o755)
  t.match(await fileSessions(['list', sessionDir, '--max-size', '2m']), { exitCode: 2, err: /chmod 700/ })
})
