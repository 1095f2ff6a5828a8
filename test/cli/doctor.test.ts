import t from 'tap'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileSessions, twoApps } from '../support/command'
import { privateDirectory } from '../support/session-files'

t.test('doctor finds nothing where nothing is', async t => {
  const { sessionDir } = await twoApps(t)
  const { exitCode, out, err } = await fileSessions(['doctor', sessionDir])
  t.equal(err, '')
  t.match(out, new RegExp(`^good {2}owner and mode: user ${process.geteuid?.() ?? ''}, 0700, and so are the directories in it$`, 'm'))
  for (const subject of ['file system', 'access times', 'shop: trial', '__Host-admin: trial', 'shop: reaper']) t.match(out, `good  ${subject}: `)
  for (const subject of ['space', 'inodes']) t.match(out, `  ${subject}: `)
  t.match(out, /shop: reaper: 3 sessions, 0 of them expired: it leaves nothing behind/)
  t.equal(exitCode, out.includes('look  ') ? 1 : 0)
  const findings = JSON.parse((await fileSessions(['doctor', sessionDir, '--json'])).out) as Array<{ subject: string }>
  t.equal(findings.length, out.trimEnd().split('\n').length)
})

t.test('doctor of a directory that no app has used', async t => {
  const sessionDir = privateDirectory(t)
  t.match(await fileSessions(['doctor', sessionDir]), { exitCode: 1, out: /look {2}appids: no app has made its directory here yet/ })
  mkdirSync(join(sessionDir, 'shop'), { mode: 0o700 })
  t.match(await fileSessions(['doctor', sessionDir]), { out: /shop: reaper: 0 sessions/ })
  rmSync(sessionDir, { recursive: true })
})
