import t from 'tap'
import { mkdirSync, statSync } from 'node:fs'
import { SessionFileStore } from '../../index'
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
  const [admin, shop, ...more] = JSON.parse(out) as Array<{ idle: { most: number } }>
  t.strictSame(more, [])
  t.match(admin, { appid: '__Host-admin', sessions: 1, size: { least: 15, mean: 15, most: 15, total: 15 } })
  t.match(shop, { appid: 'shop', sessions: 3, size: { least: 0, mean: 6, most: 15, total: 17 } })
  t.equal(Math.floor(shop?.idle.most as number / DAY / 1000), 3)
  t.equal(statSync(path).atimeMs, before, 'and being listed is no use')

  const table = await fileSessions(['list', sessionDir])
  t.equal(table.exitCode, 0)
  const lines = table.out.split('\n')
  t.match(lines[0], /^appid +sessions +age: least/)
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
  t.match(JSON.parse(out), [{ appid: 'sid', sessions: 0, age: { least: 0, mean: 0, most: 0 } }])
})
