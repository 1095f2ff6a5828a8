import t from 'tap'
import { COMMANDS } from '../../lib/cli/commands'
import type { Option } from '../../lib/cli/usage'

function optionOf (command: string, name: string): Option {
  return COMMANDS.find(each => each.name === command)?.options.find(each => each.name === name) as Option
}

t.test('each command is declared as the program takes it', async t => {
  t.equal(new Set(COMMANDS.map(({ name }) => name)).size, COMMANDS.length)
  for (const { name, parameters, places, directory, description, options, help } of COMMANDS) {
    const names = options.map(option => option.name)
    t.equal(new Set(names).size, names.length, `${name}: each option once`)
    t.ok(names.includes('json'), `${name}: for programs`)
    for (const index of [...places, ...directory === undefined ? [] : [directory]]) t.type(parameters[index], 'string', `${name}: argument ${index}`)
    t.notMatch([description, ...options.map(option => option.description)].join('\n'), /\.$/m, `${name}: without a stop`)
    t.match(help, /^\n/, `${name}: it stands below the options`)
    t.notMatch(help, '$COMMAND', name)
    // The longest text that is read is that of the place.
    t.equal(names.includes('max-size'), places.length > 0, name)
    for (const option of options) {
      if (option.default !== undefined) t.doesNotThrow(() => option.parse?.(option.default as string), `${name} --${option.name}`)
      t.notOk(option.value === undefined && option.parse !== undefined, `${name} --${option.name}: nothing to parse`)
    }
  }
})

t.test('values are parsed where they are declared', async t => {
  const appid = optionOf('show', 'appid')
  t.equal(appid.isRequired, true)
  t.equal(appid.parse?.('__Host-sid'), '__Host-sid')
  for (const bad of ['a/b', '', 'a b']) t.throws(() => appid.parse?.(bad), { message: 'must be a cookie name' })
  const lines = optionOf('stats', 'lines')
  t.equal(lines.parse?.('12'), 12)
  for (const bad of ['0', '-1', '1.5', 'many']) t.throws(() => lines.parse?.(bad), { message: 'must be a whole number above 0' })
  t.equal(optionOf('clean', 'idle').parse?.('2h'), 7200)
  t.equal(optionOf('clean', 'max-size').parse?.('64k'), 65_536)
})
