import t from 'tap'
import { fileSessions, twoApps } from '../support/command'

t.test('--help is enough to use it', async t => {
  const { exitCode, out, err } = await fileSessions(['--help'])
  t.equal(exitCode, 0)
  t.equal(err, '')
  for (const command of ['clean', 'list', 'show', 'delete', 'verify', 'import']) {
    t.match(out, new RegExp(`^ {2}${command} `, 'm'))
    const help = await fileSessions([command, '--help'])
    t.equal(help.exitCode, 0)
    t.match(help.out, new RegExp(`^Usage: file-sessions ${command} `))
  }
  t.strictSame(await fileSessions(['-h']), { exitCode, out, err })
  t.match((await fileSessions(['clean', '-h'])).out, /idleTimeout \(default: 2h\)/, 'as it would be written')
  t.match(out, /Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 /)
})

t.test('wrong usage is exit code 2, and says what is wrong', async t => {
  const { sessionDir } = await twoApps(t)
  for (const [args, message] of [
    [[], /^Usage:/],
    [['polish'], /unknown command 'polish'/],
    [['clean'], /missing required argument 'dir'/],
    [['clean', sessionDir, '--idle', '2'], /'2' is invalid. It must be a number above 0 and a unit/],
    [['clean', sessionDir, '--dry'], /unknown option '--dry'/],
    [['clean', sessionDir, '--appid', 'a/b'], /'a\/b' is invalid. It must be a cookie name/],
    [['clean', sessionDir, '--appid', ''], /It must be a cookie name/],
    [['list', sessionDir, 'more'], /too many arguments/],
    [['show', sessionDir, 'id'], /required option '--appid <name>' not specified/],
    [['import', sessionDir, sessionDir], /required option '--appid <name>' not specified/],
    [['import', sessionDir, '--appid', 'shop'], /missing required argument 'dir'/],
    [['import', sessionDir, sessionDir, '--appid', 'shop', '--ttl', '2'], /'2' is invalid/],
    [['show', sessionDir, '--apid', 'shop', 'id'], /required option|too many arguments/]
  ] as const) {
    const { exitCode, out, err } = await fileSessions([...args])
    t.equal(exitCode, 2, args.join(' '))
    t.equal(out, '')
    t.match(err, message)
  }
})

t.test('how the command is called in a project', async t => {
  const { out } = await fileSessions(['--help'])
  t.match(out, 'npx --no-install file-sessions')
  for (const name of ['clean', 'show', 'delete', 'import']) {
    const help = (await fileSessions([name, '--help'])).out
    t.match(help, `npx --no-install file-sessions ${name} `)
    t.notMatch(help, 'npx file-sessions')
  }
})
