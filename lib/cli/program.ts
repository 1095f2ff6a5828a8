import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { COMMANDS, type Command } from './commands'
import { EXIT_CODES, PLACE_HELP } from './help'
import { encryptionOf } from './secrets-file'
import { openPlace, placeNamed, type PlaceName } from './open-place'
import { asOwnerOf } from './owner'
import { NotFound, type Place } from './place'
import { isSamePlace } from './same-place'
import { messageOf } from './server-trouble'
import { withoutSecrets } from './server-url'
import { printError, printText, type Terminal } from './terminal'
import { helpOf, mostSimilar, parseUsage, UsageError, type Given } from './usage'

/** Runs one command and returns its exit code. Never rejects. */
export async function run (args: string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args
  const secrets: string[] = []
  try {
    if (name === undefined) {
      terminal.err.write(programHelp())
      return 2
    }
    if (name === '-h' || name === '--help' || name === 'help') return printed(terminal, programHelp())
    if (name === '-v' || name === '--version') return printed(terminal, `${version()}\n`)
    const command = commandNamed(name)
    const given = parseUsage(command, rest)
    return given === 'help' ? printed(terminal, helpOf(command)) : await runCommand(command, given, secrets, terminal)
  } catch (error) {
    printError(terminal, withoutSecrets(messageOf(error as Error), secrets))
    if (error instanceof UsageError) printText(terminal.err, `"file-sessions ${COMMANDS.some(each => each.name === name) ? `${name as string} ` : ''}--help" says how it is used`)
    return error instanceof NotFound ? 1 : 2
  }
}

function commandNamed (name: string): Command {
  const command = COMMANDS.find(command => command.name === name)
  if (command !== undefined) return command
  const similar = mostSimilar(name, COMMANDS.map(({ name }) => name))
  throw new UsageError(`there is no command '${name}'${similar === null ? '' : `: did you mean ${similar}?`}`)
}

async function runCommand (command: Command, given: Given, secrets: string[], terminal: Terminal): Promise<number> {
  const names = command.places.map(index => placeNamed(given.arguments[index] as string))
  for (const name of names) {
    if ('url' in name) secrets.push(...name.url.secrets)
  }
  if (command.directory !== undefined) {
    const named = placeNamed(given.arguments[command.directory] as string)
    if (!('directory' in named)) throw new UsageError(`${command.name} makes sessions in a directory alone: copy takes them to a server from there`)
    given.arguments[command.directory] = named.directory
    names.push(named)
  }
  const [from, to] = names
  if (from !== undefined && to !== undefined && await isSamePlace(from, to)) throw new UsageError(`${command.parameters.join(' and ')} are the same place`)
  const { secrets: file } = given.options
  // Before the command becomes the user of a directory, who may not read them.
  if (file !== undefined) given.options['encryption'] = await encryptionOf(file as string)
  const owned = names.filter(name => 'directory' in name).map(({ directory }) => directory)
  return await asOwners(owned, () => inPlaces(names.slice(0, command.places.length), given, places => command.run(given, places, terminal)))
}

/** Does the work as the user that the directories belong to: that of the last one that is there. */
async function asOwners (directories: string[], work: () => Promise<number>): Promise<number> {
  const [first, ...others] = directories
  return first === undefined ? await work() : await asOwnerOf(first, () => asOwners(others, work))
}

async function inPlaces (names: PlaceName[], given: Given, work: (places: Place[]) => Promise<number>): Promise<number> {
  const places: Place[] = []
  try {
    for (const name of names) places.push(await openPlace(name, { maxSize: given.options['max-size'] as number }))
    return await work(places)
  } finally {
    for (const place of places) await place.close()
  }
}

function programHelp (): string {
  const usages = COMMANDS.map(({ name, parameters }) => [name, '[options]', ...parameters].join(' '))
  const width = Math.max(...usages.map(usage => usage.length))
  const rows = COMMANDS.map(({ description }, index) => `  ${(usages[index] as string).padEnd(width)}  ${description}\n`)
  return `Usage: file-sessions COMMAND [options] ...

Looks after the sessions that fastify-file-sessions keeps.

Commands:
${rows.join('')}
"file-sessions COMMAND --help" says more of each; --version prints the version.
${PLACE_HELP}
${EXIT_CODES}
`
}

function printed (terminal: Terminal, text: string): number {
  terminal.out.write(text)
  return 0
}

/** Returns the version of this package: of the first package.json above this file, which lies deeper when it is built. */
function version (directory = __dirname): string {
  const path = join(directory, 'package.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version : version(dirname(directory))
}
