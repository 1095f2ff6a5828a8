import t from 'tap'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newSession } from '../support/new-session'
import { fileSessions, twoApps } from '../support/command'

t.test('a progress bar on a terminal, on standard error alone', async t => {
  const { sessionDir, path } = await twoApps(t)
  appendFileSync(path, 'half a record')
  for (const [args, exitCode] of [[['clean', sessionDir], 0], [['list', sessionDir], 0], [['verify', sessionDir], 1]] as const) {
    const inPipe = await fileSessions([...args])
    t.equal(inPipe.err, '', 'none in a pipe')
    const onTerminal = await fileSessions([...args], { isTTY: true })
    t.equal(onTerminal.exitCode, exitCode)
    t.match(onTerminal.err, /shop .*%/)
    t.notMatch(onTerminal.err, '\u001B[?', 'nothing is switched off, so an interrupt leaves the terminal as it was')
    t.equal(onTerminal.out.split('\n').length, inPipe.out.split('\n').length)
    t.notMatch(onTerminal.out, '%')
  }
})

t.test('colours on a terminal, unless NO_COLOR says no', async t => {
  const { NO_COLOR } = process.env
  t.teardown(() => {
    if (NO_COLOR === undefined) delete process.env['NO_COLOR']
    else process.env['NO_COLOR'] = NO_COLOR
  })
  for (const [value, isTTY, hasColours] of [[undefined, true, true], ['', true, true], ['1', true, false], [undefined, false, false]] as const) {
    if (value === undefined) delete process.env['NO_COLOR']
    else process.env['NO_COLOR'] = value
    const { err } = await fileSessions(['polish'], { isTTY })
    t.equal(err.split('\n')[0], hasColours ? "\u001b[31mfile-sessions: there is no command 'polish'\u001b[39m" : "file-sessions: there is no command 'polish'")
  }
})

t.test('output escapes what a terminal would obey', async t => {
  const { sessionDir, shop } = await twoApps(t)
  const evil = join(sessionDir, '%1b%5b31m')
  mkdirSync(evil, { mode: 0o700 })
  writeFileSync(join(sessionDir, 'shop', 'a\u009b\u202eb\n'), '')
  const { out } = await fileSessions(['verify', sessionDir])
  t.match(out, 'a\\u009b\\u202eb\\u000a\n')
  for (const args of [['list', sessionDir], ['clean', sessionDir], ['list', sessionDir, '--json']]) {
    const { out, err } = await fileSessions(args, { isTTY: true })
    t.match(out, '\\u001b[31m', args.join(' '))
    t.notMatch(out + err.replaceAll('\u001b[K', ''), '\u001b[31m')
  }
  const summaries = JSON.parse((await fileSessions(['list', sessionDir, '--json'])).out) as Array<{ appid: string }>
  t.ok(summaries.some(({ appid }) => appid === '\u001b[31m'), 'and JSON means the same')
  t.match((await fileSessions(['\u001b[31mpolish'])).err, /no command '\\u001b\[31mpolish'/)
  t.match((await fileSessions(['list', join(sessionDir, '\u001b[31m')])).err, /no directory .*\\u001b\[31m/)
  const { sesid } = await newSession(shop, 'one\n\ttwo \u001b[31m \u202e')
  t.match(await fileSessions(['show', sessionDir, '--appid', 'shop', sesid]), { out: 'one\n\ttwo \\u001b[31m \\u202e\n' })
})
