import { checkAppid } from '../option-checks'
import { clean, type CleanOptions } from './clean'
import { copy, type CopyOptions } from './copy'
import { doctor, type DoctorOptions } from './doctor'
import { parseDuration, parseSize } from './duration'
import {
  CLEAN_HELP, COPY_HELP, DOCTOR_HELP, ID_HELP, IMPORT_HELP, LIST_HELP, OF_HELP, REINDEX_HELP, REVOKE_HELP, SCHEMA_HELP, SHOW_ENCRYPTED_HELP, STATS_HELP, VERIFY_HELP
} from './help'
import { importSessions, type ImportCommandOptions } from './import'
import { list, type ListOptions } from './list'
import type { Place } from './place'
import { reindex, type ReindexOptions } from './reindex'
import { revoke, type RevokeOptions } from './revoke'
import { schema, type SchemaOptions } from './schema'
import { sessionsOf, type SessionsOfOptions } from './sessions-of'
import { remove, show } from './single-session'
import { stats, type StatsOptions } from './stats'
import type { Terminal } from './terminal'
import type { Given, Option, Usage } from './usage'
import { verify, type VerifyOptions } from './verify'

export interface Command extends Usage {
  /** Which arguments are places. */
  places: number[]
  /** Which argument is a directory that the command works in as its owner, and that need not be there yet. */
  directory?: number
  run: (given: Given, places: Place[], terminal: Terminal) => Promise<number>
}

const JSON_OPTION: Option = { name: 'json', description: 'for programs' }
const APPID: Option = { name: 'appid', value: '<name>', description: 'only this app\'s sessions', parse: parseAppid }
const OF_APP: Option = { ...APPID, description: 'the app that the session belongs to', isRequired: true }
const IDLE: Option = {
  name: 'idle', value: '<time>', description: 'how long a session may be unused: 90s, 30m, 2h, 7d; the app\'s idleTimeout', parse: parseDuration, default: '2h'
}
const ABSOLUTE: Option = {
  name: 'absolute', value: '<time>', description: 'how old a session may get in all; the app\'s absoluteTimeout, if it has one', parse: parseDuration
}
const MAX_SIZE: Option = {
  name: 'max-size', value: '<bytes>', description: 'the app\'s maxSize: 65536, 64k, 1m; longer files are not read', parse: parseSize, default: '1m'
}
const MODULE: Option = { name: 'module', value: '<file>', description: 'a module that exports indexes, and codec if the app has one' }
const SECRETS: Option = {
  name: 'secrets', value: '<file>', description: 'the app\'s secrets for encryption, one on each line, the newest first; chmod 600'
}
const INDEX: Option = { name: 'index', value: '<name>', description: 'which of the app\'s indexes, such as user' }
const DRY_RUN: Option = { name: 'dry-run', description: 'change nothing, only count' }

export const COMMANDS: Command[] = [
  {
    name: 'clean',
    parameters: ['<place>'],
    places: [0],
    description: 'remove expired sessions',
    options: [IDLE, ABSOLUTE, APPID, DRY_RUN, MAX_SIZE, JSON_OPTION],
    help: CLEAN_HELP,
    run: (given, [place], terminal) => clean(place as Place, optionsOf<CleanOptions>(given), terminal)
  },
  {
    name: 'list',
    parameters: ['<place>'],
    places: [0],
    description: 'say how many sessions there are, how old and how big',
    options: [APPID, { name: 'sessions', description: 'a line for each session: handle, age, time unused, size' }, SECRETS, MAX_SIZE, JSON_OPTION],
    help: LIST_HELP,
    run: (given, [place], terminal) => list(place as Place, optionsOf<ListOptions>(given), terminal)
  },
  {
    name: 'show',
    parameters: ['<place>', '<id>'],
    places: [0],
    description: 'print what a session holds',
    options: [OF_APP, SECRETS, MAX_SIZE, JSON_OPTION],
    takesHyphens: true,
    help: ID_HELP.replace('$COMMAND', 'show') + SHOW_ENCRYPTED_HELP,
    run: (given, [place], terminal) => show(place as Place, given.arguments[1] as string, optionsOf(given), terminal)
  },
  {
    name: 'delete',
    parameters: ['<place>', '<id>'],
    places: [0],
    description: 'remove a session for good',
    options: [OF_APP, MAX_SIZE, JSON_OPTION],
    takesHyphens: true,
    help: ID_HELP.replace('$COMMAND', 'delete'),
    run: (given, [place], terminal) => remove(place as Place, given.arguments[1] as string, optionsOf(given), terminal)
  },
  {
    name: 'of',
    parameters: ['<place>', '<value>'],
    places: [0],
    description: 'list the sessions that have a value in an index, such as those of a user',
    options: [{ ...INDEX, isRequired: true }, IDLE, ABSOLUTE, APPID, SECRETS, MAX_SIZE, JSON_OPTION],
    takesHyphens: true,
    help: OF_HELP,
    run: (given, [place], terminal) => sessionsOf(place as Place, given.arguments[1] as string, optionsOf<SessionsOfOptions>(given), terminal)
  },
  {
    name: 'revoke',
    parameters: ['<place>', '<handle-or-value>'],
    places: [0],
    description: 'end the session with a handle, or all that have a value in an index',
    options: [
      { ...INDEX, description: 'end all sessions with the value in this index of the app\'s, such as user' },
      { name: 'except', value: '<handle>', description: 'with --index: the session that stays' },
      APPID, SECRETS, MAX_SIZE, JSON_OPTION
    ],
    takesHyphens: true,
    help: REVOKE_HELP,
    run: (given, [place], terminal) => revoke(place as Place, given.arguments[1] as string, optionsOf<RevokeOptions>(given), terminal)
  },
  {
    name: 'reindex',
    parameters: ['<place>'],
    places: [0],
    description: 'enter sessions in indexes that are newer than they are',
    options: [
      { ...MODULE, isRequired: true },
      IDLE, ABSOLUTE, APPID, SECRETS, MAX_SIZE, JSON_OPTION
    ],
    help: REINDEX_HELP,
    run: (given, [place], terminal) => reindex(place as Place, optionsOf<ReindexOptions>(given), terminal)
  },
  {
    name: 'verify',
    parameters: ['<place>'],
    places: [0],
    description: 'read everything and report what is torn, unreadable or foreign',
    options: [APPID, MAX_SIZE, JSON_OPTION],
    help: VERIFY_HELP,
    run: (given, [place], terminal) => verify(place as Place, optionsOf<VerifyOptions>(given), terminal)
  },
  {
    name: 'doctor',
    parameters: ['<place>'],
    places: [0],
    description: 'look whether the place can keep sessions, and what is odd about it',
    options: [IDLE, ABSOLUTE, MAX_SIZE, JSON_OPTION],
    help: DOCTOR_HELP,
    run: (given, [place], terminal) => doctor(place as Place, optionsOf<DoctorOptions>(given), terminal)
  },
  {
    name: 'stats',
    parameters: ['<place>'],
    places: [0],
    description: 'count sessions, and those that were used, made and removed',
    options: [
      APPID,
      { name: 'watch', description: 'a line at each interval, until it is interrupted' },
      { name: 'interval', value: '<time>', description: 'the time between two lines', parse: parseDuration, default: '10s' },
      { name: 'lines', value: '<number>', description: 'with --watch: end after so many looks', parse: parseCount },
      MAX_SIZE,
      JSON_OPTION
    ],
    help: STATS_HELP,
    run: (given, [place], terminal) => stats(place as Place, optionsOf<StatsOptions>(given), terminal)
  },
  {
    name: 'copy',
    parameters: ['<from>', '<to>'],
    places: [0, 1],
    description: 'copy live sessions from one place to another',
    options: [IDLE, ABSOLUTE, APPID, { name: 'move', description: 'take each session away from the old place' }, DRY_RUN, MAX_SIZE, JSON_OPTION],
    help: COPY_HELP,
    run: (given, [from, to], terminal) => copy(from as Place, to as Place, optionsOf<CopyOptions>(given), terminal)
  },
  {
    name: 'schema',
    parameters: [],
    places: [],
    description: 'print the SQL of the table in PostgreSQL',
    options: [
      { name: 'table', value: '<name>', description: 'its name', default: 'sessions' },
      { name: 'schema', value: '<name>', description: 'the schema that it is in', default: 'public' },
      JSON_OPTION
    ],
    help: SCHEMA_HELP,
    run: (given, _, terminal) => schema(optionsOf<SchemaOptions>(given), terminal)
  },
  {
    name: 'import',
    parameters: ['<from>', '<dir>'],
    places: [],
    directory: 1,
    description: 'make sessions of those in a session-file-store directory',
    options: [
      { ...APPID, description: 'the app that the sessions shall belong to', isRequired: true },
      { name: 'ttl', value: '<time>', description: 'session-file-store\'s ttl, for sessions whose cookie has no maxAge', parse: parseDuration, default: '1h' },
      { name: 'extension', value: '<text>', description: 'session-file-store\'s fileExtension', default: '.json' },
      MODULE,
      SECRETS,
      JSON_OPTION
    ],
    help: IMPORT_HELP,
    run: (given, _, terminal) => importSessions(given.arguments[0] as string, given.arguments[1] as string, optionsOf<ImportCommandOptions>(given), terminal)
  }
]

/** The options as the command's own function takes them. Each was parsed by its declaration above. */
function optionsOf<T> ({ options }: Given): T {
  const { 'dry-run': dryRun, 'max-size': _, ...others } = options
  return { ...others, dryRun } as T
}

function parseAppid (appid: string): string {
  try {
    checkAppid(appid)
  } catch {
    throw new Error('must be a cookie name')
  }
  return appid
}

function parseCount (text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count > 0) return count
  throw new Error('must be a whole number above 0')
}
