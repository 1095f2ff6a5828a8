import t from 'tap'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileSessions, twoApps } from '../support/command'

const COMMANDS = ['clean', 'list', 'show', 'delete', 'of', 'revoke', 'reindex', 'verify', 'doctor', 'stats', 'copy', 'schema', 'import']

t.test('--help is enough to use it', async t => {
  const { exitCode, out, err } = await fileSessions(['--help'])
  t.equal(exitCode, 0)
  t.equal(err, '')
  for (const command of COMMANDS) {
    t.match(out, new RegExp(`^ {2}${command} `, 'm'))
    const help = await fileSessions([command, '--help'])
    t.equal(help.exitCode, 0)
    t.match(help.out, new RegExp(`^Usage: file-sessions ${command} `))
    t.match(help.out, /^ {2}--json +for programs$/m)
    t.strictSame(await fileSessions([command, '-h']), help)
    for (const line of help.out.split('\n')) t.ok(line.length <= 130, line)
  }
  t.strictSame(await fileSessions(['-h']), { exitCode, out, err })
  t.strictSame(await fileSessions(['help']), { exitCode, out, err })
  const clean = (await fileSessions(['clean', '-h'])).out
  t.match(clean, /idleTimeout \(default: 2h\)/, 'as it would be written')
  t.match(clean, /stays for one minute more/)
  t.match(out, /Exit codes:\n {2}0 .*\n {2}1 .*\n.*\n {2}2 /)
})

t.test('--version', async t => {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string }
  for (const name of ['--version', '-v']) t.strictSame(await fileSessions([name]), { exitCode: 0, out: `${version}\n`, err: '' })
})

t.test('wrong usage is exit code 2, and says what is wrong', async t => {
  const { sessionDir } = await twoApps(t)
  for (const [args, message] of [
    [[], /^Usage:/],
    [['polish'], /there is no command 'polish'\n"file-sessions --help" says/],
    [['lsit'], /there is no command 'lsit': did you mean list\?/],
    [['verfy'], /did you mean verify\?/],
    [['del'], /did you mean delete\?/],
    [['clean'], /the argument <place> is missing\n"file-sessions clean --help" says/],
    [['clean', sessionDir, '--idle', '2'], /--idle '2': must be a number above 0 and a unit/],
    [['clean', sessionDir, '--idle'], /the option --idle <time> needs its value/],
    [['clean', sessionDir, '--dry-run=yes'], /the option --dry-run takes no value/],
    [['clean', sessionDir, '--dry'], /there is no option --dry: did you mean --dry-run\?/],
    [['clean', sessionDir, '--purple'], /there is no option --purple\n/],
    [['clean', sessionDir, '-xy'], /there is no option in '-x'/],
    [['clean', sessionDir, '-='], /there is no option in '--'\n/],
    [['clean', sessionDir, '--appid', 'a/b'], /--appid 'a\/b': must be a cookie name/],
    [['clean', sessionDir, '--appid', ''], /must be a cookie name/],
    [['list', sessionDir, 'more'], /too many arguments: list takes <place>/],
    [['show', sessionDir, 'id'], /the option --appid <name> must be given/],
    [['show', sessionDir, 'id', '--appid'], /the option --appid <name> needs its value/],
    [['import', sessionDir, sessionDir], /the option --appid <name> must be given/],
    [['import', sessionDir, '--appid', 'shop'], /the argument <dir> is missing/],
    [['import', sessionDir, 'redis://localhost', '--appid', 'shop'], /copy takes them to a server from there/],
    [['import', sessionDir, sessionDir, '--appid', 'shop', '--ttl', '2'], /--ttl '2': must be/],
    [['stats', sessionDir, '--lines', '0'], /--lines '0': must be a whole number above 0/],
    [['show', sessionDir, '--apid', 'shop', 'id'], /must be given|too many arguments/]
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
  for (const name of ['clean', 'show', 'delete', 'copy', 'schema', 'import']) {
    const help = (await fileSessions([name, '--help'])).out
    t.match(help, `npx --no-install file-sessions ${name} `)
    t.notMatch(help, 'npx file-sessions')
  }
})
