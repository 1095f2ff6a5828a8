import t from 'tap'
import { fileSessions, twoApps } from '../support/command'

t.test('an id that was pasted with more than the id is named as such, and not repeated', async t => {
  const { sessionDir, sesid } = await twoApps(t)
  const signature = 'A'.repeat(43)
  for (const [pasted, hint] of [
    [`s:${sesid}.${signature}`, /it begins with "s:"/],
    [`s%3A${sesid}.${signature}`, /it begins with "s:"/],
    [`${sesid}.${signature}`, /it looks like a signed cookie: give what stands before the last dot/],
    [`${sesid}.AAAA%2FBBBB`, /it is URL-encoded/],
    [`sid=${sesid}`, /it looks like a whole Cookie header/],
    [`${sesid}; theme=dark`, /it looks like a whole Cookie header/],
    ['x'.repeat(10_000), /it is too long for an id/]
  ] as const) {
    for (const name of ['show', 'delete']) {
      const { exitCode, out, err } = await fileSessions([name, sessionDir, '--appid', 'shop', '-'], { input: `${pasted}\n` })
      t.equal(exitCode, 1)
      t.equal(out, '')
      t.match(err, hint)
      t.notMatch(err, sesid)
    }
  }
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', sesid.slice(1)]), { exitCode: 1, err: 'file-sessions: appid shop has no such session\n' })
})

t.test('no id at all', async t => {
  const { sessionDir } = await twoApps(t)
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', '-'], { input: ' \n' }), { exitCode: 2, err: /there is no id on standard input: it is empty/ })
  t.match(await fileSessions(['delete', sessionDir, '--appid', 'shop', '']), { exitCode: 2, err: /the id is empty/ })
})

t.test('--json', async t => {
  const { sessionDir, sesid } = await twoApps(t)
  t.match(JSON.parse((await fileSessions(['show', sessionDir, '--appid', 'shop', '--json', sesid])).out),
    { appid: 'shop', handle: /^[\w-]{43}$/, idleTimeout: null, size: 15, format: 'plain', text: '{"user":"anna"}' })
  t.match(JSON.parse((await fileSessions(['delete', sessionDir, '--appid', 'shop', '--json', sesid])).out), { appid: 'shop', removed: true })
})
