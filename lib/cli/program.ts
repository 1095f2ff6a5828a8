import { resolve } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { printableLines } from '../printable'
import { fileStoreOptions } from '../store/files/options'
import { NotFound } from './appids'
import { clean } from './clean'
import { parseDuration } from './duration'
import { importSessions } from './import'
import { list } from './list'
import { asOwnerOf } from './owner'
import { remove, show } from './single-session'
import { print, type Terminal } from './terminal'
import { verify } from './verify'

const EXIT_CODES = `
Exit codes:
  0  done, nothing wrong
  1  verify found torn or foreign files; import failed for some; there is no such session or appid
  2  wrong usage, or trouble with the disk`

const OWNER_HELP = `
The directory, and what is in it, must belong to you and be closed to all others. Root
may name any user's directory: the command then becomes that user before it looks into
it, and can do no more than the app can. The directories and links that lead there must
be root's or that user's: others could lead it astray.

In a project that has the package, npx --no-install file-sessions runs this command.`

const CLEAN_HELP = `
Removes what the app's own reaper would remove: sessions that were not used for as
long as --idle says, or longer if they say so themselves, and with --absolute those in
files older than that; locks that crashed processes left behind more than 10 minutes
ago; what was set aside more than a week ago. Other files are left alone. May run
beside the app.

  npx --no-install file-sessions clean ./sessions --idle 2h`

const LIST_HELP = `
Ages, idle times and sizes (bytes of text) for each appid. With --json the times are
in milliseconds. Session ids are not printed: they are not on the disk.`

const ID_HELP = `
The id is the cookie's value; of a signed cookie, what stands before the last dot.
"-" reads it from standard input, so that it stands in no shell history:

  npx --no-install file-sessions $COMMAND ./sessions --appid sid - < id.txt`

const VERIFY_HELP = `
Prints one line for each problem, the kind first and then the path:
  torn        holds bytes that are no whole record. Of a session that is still there,
              the last whole save counts; the next one repairs the file.
  foreign     is not a session's; nothing here ever touches it
  unreadable  the disk or its permissions say no`

const IMPORT_HELP = `
Reads the directory of session-file-store (an express-session store) and makes its
sessions under the same ids in ours. Nothing is changed over there; sessions that have
expired are left out, ones that are present here are left as they are, so it may run
again. Let neither app run meanwhile. If the directory is new, be the user that the app
runs as: the files will be yours. As root, let the app make the directory first, and see
that its user may read the other one.

Sessions that could not be read are named by path on standard error. THE NAMES OF THOSE
FILES ARE SESSION IDS, as good as passwords: keep that output to yourself.

  npx --no-install file-sessions import ./old-sessions ./sessions --appid sid --ttl 2h`

/** Runs one command and returns its exit code. Never rejects. */
export async function run (args: string[], terminal: Terminal): Promise<number> {
  let exitCode = 0
  /** `directoryAt`: which of the arguments the session directory is. */
  function command<A extends unknown[]> (action: (...args: [...A, Terminal]) => Promise<number>, directoryAt = 0) {
    return async (...args: [...A, Command]): Promise<void> => {
      const given = args.slice(0, -1) as A
      // As the app does: a link before `..` is not followed.
      const sessionDir = resolve(given[directoryAt] as string)
      given[directoryAt] = sessionDir
      exitCode = await asOwnerOf(sessionDir, () => action(...given, terminal))
    }
  }

  const program = new Command('file-sessions')
    .description('Looks after a directory of sessions that fastify-file-sessions keeps.')
    .helpOption('-h, --help', 'say how a command is used')
    .helpCommand(false)
    .addHelpText('after', OWNER_HELP + '\n' + EXIT_CODES)
    .exitOverride()
    .configureOutput({ writeOut: text => terminal.out.write(text), writeErr: text => terminal.err.write(printableLines(text)) })

  program.command('clean <dir>')
    .description('remove expired sessions')
    .addOption(new Option('--idle <time>', 'how long a session may be unused: 90s, 30m, 2h, 7d; the app\'s idleTimeout')
      .argParser(parseDuration).default(7200, '2h'))
    .option('--absolute <time>', 'how old a session may get in all; the app\'s absoluteTimeout, if it has one', parseDuration)
    .option('--appid <name>', 'only this app\'s sessions', parseAppid)
    .option('--dry-run', 'remove nothing, only count')
    .addHelpText('after', CLEAN_HELP)
    .action(command(clean))
  program.command('list <dir>')
    .description('say how many sessions there are, how old and how big')
    .option('--json', 'for programs')
    .addHelpText('after', LIST_HELP)
    .action(command(list))
  for (const [name, action, description] of [
    ['show', show, 'print what a session holds'], ['delete', remove, 'remove a session for good']] as const) {
    program.command(`${name} <dir> <id>`)
      .description(description)
      .requiredOption('--appid <name>', 'the app that the session belongs to', parseAppid)
      // An id may well start with a hyphen, and an h.
      .allowUnknownOption()
      .helpOption('--help', 'say how a command is used')
      .addHelpText('after', ID_HELP.replace('$COMMAND', name))
      .action(command(action))
  }
  program.command('verify <dir>')
    .description('read every file and report what is torn or foreign')
    .option('--appid <name>', 'only this app\'s sessions', parseAppid)
    .addHelpText('after', VERIFY_HELP)
    .action(command(verify))
  program.command('import <from> <dir>')
    .description('make sessions of those in a session-file-store directory')
    .requiredOption('--appid <name>', 'the app that the sessions shall belong to', parseAppid)
    .addOption(new Option('--ttl <time>', 'session-file-store\'s ttl, for sessions whose cookie has no maxAge')
      .argParser(parseDuration).default(3600, '1h'))
    .option('--extension <text>', 'session-file-store\'s fileExtension', '.json')
    .addHelpText('after', IMPORT_HELP)
    .action(command(importSessions, 1))

  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    // Commander has said already what is wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    print(terminal.err, `file-sessions: ${(error as Error).message}`)
    return error instanceof NotFound ? 1 : 2
  }
  return exitCode
}

function parseAppid (appid: string): string {
  try {
    return fileStoreOptions({ appid }).appid
  } catch {
    throw new InvalidArgumentError('It must be a cookie name.')
  }
}
