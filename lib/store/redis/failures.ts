import { asOutage, SessionStoreError } from '../../errors'
import { NoAnswer } from '../deadlines'
import { AnswerOfAnother } from './own-answers'

/** What became of a command that was not answered with a result. */
export interface Failure {
  /** The server's code, such as `OOM`, or one of ours: `LOST`, `TIMEOUT`, `LATE`, `MIXED`, `CLIENT`. */
  readonly code: string
  /** `refused`: the server or the client did not carry it out. `unknown`: it may have. */
  readonly outcome: 'refused' | 'unknown'
  /** Whether it helps to repeat the command. */
  readonly passes: boolean
  readonly advice: string
  /** The client's error, without the command: clients put the key and the data on it. */
  readonly cause: Error
}

const CLUSTER = 'the cluster is being changed, or a part of it is down: see CLUSTER INFO'
const SILENT = 'the server did not answer in time: is it overloaded, stopped or cut off?'
const MIXED = 'the client hands out answers to other commands, so none of them can be used: restart the app, and update the client library'
const MISFIT = 'the client cannot do it: is it a version of it that docs/stores.md names?'
/** For a key that another program uses. */
const FOREIGN_KEY = 'a key under the prefix of the sessions holds something else: ' +
  'another program uses it; give the store a prefix of its own (option prefix)'
const LOST = 'the connection to the server was lost: is it running, and can this machine reach it?'

/** How a server, or the client for it, says something, whether that passes by itself, and what to do. valkey-glide has words of its own. */
const REPLIES: ReadonlyArray<readonly [says: RegExp, code: string, passes: boolean, advice: string]> = [
  [/^NOSCRIPT|NoScriptError/, 'NOSCRIPT', true, 'the server forgets scripts at once: something runs SCRIPT FLUSH all the time'],
  [/^LOADING|BusyLoadingError/, 'LOADING', true, 'the server is loading its data: wait until it is ready'],
  [/^READONLY|- ReadOnly/, 'READONLY', true, 'the client is connected to a replica: connect it to the primary, or use Sentinel or Cluster so that it follows a failover'],
  [/^MASTERDOWN|- MasterDown/, 'MASTERDOWN', true, 'the client is connected to a replica without its primary: connect it to the primary'],
  [/^CLUSTERDOWN|- ClusterDown/, 'CLUSTERDOWN', true, CLUSTER],
  [/^TRYAGAIN|- TryAgain/, 'TRYAGAIN', true, CLUSTER],
  [/^(?:MOVED|ASK) |- (?:Moved|Ask)\b/, 'MOVED', true, 'the server is one of a cluster: make the client for a cluster'],
  [/^NOREPLICAS/, 'NOREPLICAS', true, 'the server has too few replicas (min-replicas-to-write): start them'],
  [/^UNBLOCKED/, 'UNBLOCKED', true, 'the primary became a replica before the replicas confirmed it: is a failover under way?'],
  [/^BUSY\b/, 'BUSY', true, 'a script of another program keeps the server busy: end it with SCRIPT KILL'],
  [/^OOM/, 'OOM', false, 'the server has no memory left: raise maxmemory, and keep maxmemory-policy noeviction'],
  [/^MISCONF/, 'MISCONF', false, 'the server cannot write to its disk: see its log'],
  [/^NOPERM|The user executing the script can't|ACL failure in script|- PermissionDenied/, 'NOPERM', false,
    'the server does not permit it: give this user +eval +evalsha and what the scripts use, on the keys of the prefix (see docs/stores.md)'],
  [/^(?:NOAUTH|WRONGPASS)|AuthenticationFailed/, 'NOAUTH', false, 'the server wants a password: give it to the client'],
  [/^(?:WRONGTYPE|FOREIGN)/, 'WRONGTYPE', false, FOREIGN_KEY],
  [/^NEWER/, 'NEWER', false, 'a newer version of fastify-file-sessions stored it: update this process'],
  [/^CROSSSLOT|- CrossSlot/, 'CROSSSLOT', false, 'the client changes keys so that they lie in different slots: leave its own key prefix out'],
  [/unknown command/i, 'ERR', false, 'the server must be Redis 6.2 or newer, or Valkey, and know EVALSHA'],
  [/^[A-Z]{2,}\b|signalled by the server/, 'ERR', false, 'see the cause, and the log of the server']
]

/** What Redis before 7 puts before the error of a command that a script calls. */
const WRAPPED = /^(?:ERR Error running script.*)?@user_script: ?\d+: -?(?=[A-Z]{2,} )/
/** Codes that say nothing to people, or nothing that the advice does not. */
const OWN_CODES = ['LOST', 'TIMEOUT', 'LATE', 'MIXED', 'CLIENT', 'NOSCRIPT', 'NEWER', 'ERR']
/** `WAIT` is never refused with these, because it writes nothing and names no key: so nothing was written before it. */
const NOT_OF_WAIT = ['NOSCRIPT', 'READONLY', 'CLUSTERDOWN', 'TRYAGAIN', 'MOVED', 'NOREPLICAS', 'OOM', 'MISCONF', 'WRONGTYPE', 'NEWER', 'CROSSSLOT']

/** Thrown when the server says that a call came after its time was up. */
export class TooLate extends Error {}

const UNSENT = /client is (?:closed|offline)|isn't writeable/

/** Returns what an error of a client means. */
export function failureOf (error: unknown): Failure {
  if (error instanceof NoAnswer) return failure('TIMEOUT', 'unknown', SILENT)
  if (error instanceof TooLate) return failure('LATE', 'refused', SILENT)
  if (error instanceof AnswerOfAnother) return failure('MIXED', 'unknown', MIXED)
  const message = (error instanceof Error ? error.message : String(error)).replace(WRAPPED, '')
  for (const [says, code, passes, advice] of REPLIES) {
    if (says.test(message)) return { code, outcome: 'refused', passes, advice, cause: withoutCommand(error, message, code) }
  }
  if (error instanceof TypeError) return { ...failure('CLIENT', 'unknown', MISFIT), passes: false, cause: withoutCommand(error, message, 'CLIENT') }
  const outcome = UNSENT.test(message) ? 'refused' : 'unknown'
  return { code: 'LOST', outcome, passes: true, advice: LOST, cause: withoutCommand(error, message, codeOf(error) ?? 'LOST') }
}

/** Returns what the error of a command means that `WAIT` followed: the error may be that of `WAIT`, after the command was carried out. */
export function failureBesideWait (error: unknown): Failure {
  const failure = failureOf(error)
  return failure.outcome === 'unknown' || NOT_OF_WAIT.includes(failure.code) || error instanceof TooLate ? failure : { ...failure, outcome: 'unknown' }
}

/**
 * Returns what a failure means while the client hands out answers to other commands: it may be that of another.
 * A script that the server does not know is sent again all the same.
 */
export function failureAmongMixed ({ code, cause }: Failure): Failure {
  return { ...failure(code === 'NOSCRIPT' ? code : 'MIXED', 'unknown', MIXED), cause }
}

/** Returns what it means that the keys of several calls lie in different places: alone each can be carried out, if it was not before the script came to the others. */
export function splitCalls (failure: Failure): Failure {
  return { ...failure, outcome: 'unknown', passes: true }
}

/** The client was not connected, so the command was not sent. */
export function notConnected (obstacle: string | null): Failure {
  return failure('LOST', 'refused', obstacle ?? LOST)
}

/** Returns the error for the caller. `doing` says what could not be done; `mayBeDone`: an attempt may have been carried out. */
export function storeError (doing: string, { code, advice, cause, passes }: Failure, mayBeDone: boolean): SessionStoreError {
  const said = OWN_CODES.includes(code) ? '' : `${code}; `
  const outcome = mayBeDone ? '. It is not known whether the server did it before the answer was lost' : ''
  const error = new SessionStoreError(`cannot ${doing} in Redis: ${said}${advice}${outcome}`, { cause, outcome: mayBeDone ? 'unknown' : 'refused' })
  // What passes was repeated until the time was up.
  return passes ? asOutage(error) : error
}

function failure (code: string, outcome: Failure['outcome'], advice: string): Failure {
  return { code, outcome, passes: true, advice, cause: Object.assign(new Error(advice), { code }) }
}

/** Returns the client's error as a new one: what it has beside the message may hold data, and Redis quotes arguments of commands that it does not know. */
function withoutCommand (error: unknown, message: string, code: string): Error {
  const [text] = message.split(/,? with args/) as [string]
  const cause = Object.assign(new Error(text.replace(/[0-9a-f]{64}/g, '…').slice(0, 300)), { code })
  cause.name = error instanceof Error ? error.name : 'Error'
  return cause
}

function codeOf (error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}
