import t from 'tap'
import { rmSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { run } from '../../lib/cli/program'
import { age } from '../support/aged-sessions'
import { fileSessions, twoApps } from '../support/command'

t.test('stats counts, once', async t => {
  const { sessionDir, path } = await twoApps(t)
  age(path, 3600)
  t.match(await fileSessions(['stats', sessionDir]), { exitCode: 0, out: /^ +time +sessions +bytes +used +made +removed +appid\n.*1 +15 +1 +1 +- {2}__Host-admin\n.* 3 +17 +2 +3 +- {2}shop\n$/ })
  t.match(JSON.parse((await fileSessions(['stats', sessionDir, '--json', '--appid', 'shop', '--interval', '2h'])).out),
    { appid: 'shop', sessions: 3, bytes: 17, used: 3, made: 3, removed: null, unreadable: 0 })
})

t.test('stats --watch tells what was made and removed between two looks', async t => {
  const { sessionDir, shopFiles } = await twoApps(t)
  let lines = 0
  const samples: object[] = []
  const out = new Writable({
    write (chunk, _, done) {
      samples.push(JSON.parse(String(chunk)) as object)
      // Before the next look.
      rmSync(shopFiles[lines++] as string)
      done()
    }
  })
  const args = ['stats', sessionDir, '--appid', 'shop', '--watch', '--interval', '0.05s', '--lines', '3', '--json']
  t.equal(await run(args, { in: Readable.from([]), out, err: out }), 0)
  t.match(samples, [{ sessions: 3, removed: null }, { sessions: 2 }, { sessions: 1 }])
})

t.test('stats --watch prints a line for each look', async t => {
  const { sessionDir } = await twoApps(t)
  const { out } = await fileSessions(['stats', sessionDir, '--appid', 'shop', '--watch', '--interval', '0.05s', '--lines', '2'])
  const [headings, first, second] = out.split('\n')
  t.match(headings, / removed {2}appid$/)
  t.match(first, / 3 +17 +\d +\d +- {2}shop$/)
  t.match(second, / 3 +17 +\d +\d +\d {2}shop$/)
})

t.test('stats --watch ends when it is told to', async t => {
  const { sessionDir } = await twoApps(t)
  const end = new AbortController()
  const out = new Writable({
    write (chunk, _, done) {
      if (String(chunk).includes('shop')) end.abort()
      done()
    }
  })
  t.equal(await run(['stats', sessionDir, '--watch', '--interval', '1d'], { in: Readable.from([]), out, err: out, signal: end.signal }), 0)
})
