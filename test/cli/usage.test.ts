import t from 'tap'
import { helpOf, mostSimilar, parseUsage, signature, UsageError, type Usage } from '../../lib/cli/usage'

const usage: Usage = {
  name: 'show',
  parameters: ['<place>', '<id>', '[more]'],
  description: 'print a session',
  options: [
    { name: 'appid', value: '<name>', description: 'the app', isRequired: true },
    { name: 'idle', value: '<time>', description: 'how long', parse: text => { if (text === 'no') throw new Error('must be a time'); return Number(text) }, default: '2' },
    { name: 'json', description: 'for programs' }
  ],
  help: '\nMore of it.\n'
}
const hyphens: Usage = { ...usage, takesHyphens: true }

function refused (given: string[], message: RegExp | string, of = usage): void {
  t.throws(() => parseUsage(of, given), { constructor: UsageError, message }, given.join(' '))
}

t.test('arguments and options, with their defaults, as they are parsed', async t => {
  t.strictSame(parseUsage(usage, ['here', '--appid', 'shop', 'id', '--json']), { arguments: ['here', 'id'], options: { appid: 'shop', idle: 2, json: true } })
  t.strictSame(parseUsage(usage, ['--appid=shop', '--idle=5', '--', 'here', '--id', 'more']), { arguments: ['here', '--id', 'more'], options: { appid: 'shop', idle: 5 } })
  for (const help of ['--help', '-h']) t.equal(parseUsage(usage, [help]), 'help', 'whatever else is missing')
})

t.test('what cannot be understood says what is wrong', async () => {
  refused(['here', 'id'], 'the option --appid <name> must be given')
  refused(['here', '--appid', 'shop'], 'the argument <id> is missing')
  refused(['1', '2', '3', '4', '--appid', 'shop'], 'there are too many arguments: show takes <place> <id> [more]')
  refused(['here', 'id', '--appid', 'shop', '--idle', 'no'], "--idle 'no': must be a time")
  refused(['here', 'id', '--appid'], 'the option --appid <name> needs its value')
  refused(['here', 'id', '--json=yes'], 'the option --json takes no value')
  refused(['here', 'id', '--apid', 'shop'], 'there is no option --apid: did you mean --appid?')
  refused(['here', 'id', '--purple'], 'there is no option --purple')
  refused(['-xy'], "there is no option in '-x'")
  refused(['more'], 'there are too many arguments: show takes none', { ...usage, parameters: [], options: [] })
})

t.test('where an argument may begin with a hyphen, what is not an option is an argument', async t => {
  t.strictSame(parseUsage(hyphens, ['here', '-hV', '--appid', 'shop']), { arguments: ['here', '-hV'], options: { appid: 'shop', idle: 2 } })
  t.strictSame(parseUsage(hyphens, ['here', '--appid2', '--appid', '-shop', '--json']), { arguments: ['here', '--appid2'], options: { appid: '-shop', idle: 2, json: true } })
  t.strictSame(parseUsage(hyphens, ['--appid=shop', 'here', '--', '--json']), { arguments: ['here', '--json'], options: { appid: 'shop', idle: 2 } })
  for (const help of ['--help', '-h']) t.equal(parseUsage(hyphens, ['here', help]), 'help')
  refused(['here', '-x', '--appid'], 'the option --appid <name> needs its value', hyphens)
})

t.test('the help of a command', async t => {
  t.equal(helpOf(usage), `Usage: file-sessions show [options] <place> <id> [more]

Print a session.

Options:
  --appid <name>  the app (must be given)
  --idle <time>   how long (default: 2)
  --json          for programs
  --help          say how the command is used

More of it.
`)
  t.equal(signature({ name: 'json', description: '' }), '--json')
})

t.test('the name that was probably meant', async t => {
  const names = ['list', 'verify', 'delete', 'clean']
  for (const [text, name] of [['lsit', 'list'], ['verfy', 'verify'], ['del', 'delete'], ['clena', 'clean'], ['list', 'list']] as const) t.equal(mostSimilar(text, names), name)
  for (const text of ['polish', 'd', '']) t.equal(mostSimilar(text, names), null, text)
  t.equal(mostSimilar('list', []), null)
})
