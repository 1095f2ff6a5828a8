import { SessionStoreError } from '../../errors'
import { OpenTransaction } from './pool-query'

/** What an error of the client or the server says about a statement. */
export interface Trouble {
  /** Whether it makes sense to send the statement again. */
  readonly canRepeat: boolean
  /** Whether the server was not to be reached, or takes nothing just now: other statements fare alike. */
  readonly isOutage: boolean
  /** Whether the statement may have been carried out all the same. */
  readonly isUnsure: boolean
  /** Whether the connection, or the pooler before the server, does not know the prepared statement. */
  readonly isUnprepared: boolean
  readonly reason: string
  readonly cause: Error
}

const LEFT_OPEN = 'a program gave it back to the pool without COMMIT or ROLLBACK: look for `release()` in the app'

const ADVICE: Readonly<Record<string, string>> = {
  25006: 'the server takes no writes: connect to the primary',
  '25P02': `the connection came from the pool with an open transaction; ${LEFT_OPEN}`,
  28000: 'look at user and password of the pool, and at pg_hba.conf',
  '28P01': 'look at user and password of the pool',
  '3D000': 'the database of the pool is missing: make it',
  '3F000': 'make the schema, or set the option schema',
  42501: 'give the role of the pool USAGE on the schema, and SELECT, INSERT, UPDATE and DELETE on the table',
  '42P01': 'the table is missing: it must not be removed while the app runs',
  42703: 'the table has lost a column while the app runs',
  53100: 'the disk of the server is full: free some space',
  53200: 'the server is out of memory',
  53300: 'the server has no connection left: raise max_connections, or make the pools smaller',
  '55P03': 'another transaction holds the row of the session: end it',
  57014: 'the statement was cancelled: raise statement_timeout, or leave it to the option timeout',
  '57P03': 'the server is starting up or shutting down'
}

/** SQLSTATEs, by their beginnings, that go away: of connections, of transactions that met or that another program left, of a server that restarts or was demoted. */
const PASSING = /^(08|40|57P|53300|25006|25P)/
/** Those of them that other statements are told, too. */
const OUTAGE = /^(08|57P|53300|25006)/
/** Those after which the statement may have been carried out, because the connection ended with it. */
const UNSURE = /^(08|40003|57P)/
/** Those whose text names no values. */
const SPEAKING = /^(08|25|28|3D|3F|40|42|53|55|57)/
const UNPREPARED = ['26000', '42P05']
const STALE_PLAN = '0A000'

/** What pg says without a code. Other texts may quote a statement and its values. */
const KNOWN_TEXT = /^(Connection terminated|Client was closed|Client has encountered a connection error|timeout e|Query read timeout|The server does not support SSL|There was an error establishing an SSL connection|SASL: |Cannot use a pool|PGlite is clos|\w+ E[A-Z]+\b)/
/** After these there was not a connection to send the statement on. */
const UNSENT = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|connect E|trying to connect|connection timeout|not support SSL|establishing an SSL|SASL: |CERT|UNABLE_TO_VERIFY/
const CLOSED = /^(Cannot use a pool|PGlite is clos)/

/** Judges what `query` rejected with. */
export function troubleOf (error: unknown): Trouble {
  if (error instanceof OpenTransaction) {
    return { canRepeat: true, isOutage: false, isUnsure: true, isUnprepared: false, reason: reasonOf(error.message, LEFT_OPEN), cause: error }
  }
  const { code, message = '', syscall } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  if (isSqlState(code)) {
    return {
      canRepeat: PASSING.test(code) || UNPREPARED.includes(code) || code === STALE_PLAN,
      isOutage: OUTAGE.test(code),
      isUnsure: UNSURE.test(code),
      isUnprepared: UNPREPARED.includes(code),
      reason: reasonOf(SPEAKING.test(code) ? `${message} (${code})` : code, ADVICE[code]),
      cause: Object.assign(new Error(SPEAKING.test(code) ? message : `the server answered with SQLSTATE ${code}`), { code })
    }
  }
  const text = KNOWN_TEXT.test(message) ? message : code ?? 'the client failed'
  const isMistake = error instanceof TypeError || error instanceof RangeError || CLOSED.test(message)
  return {
    canRepeat: !isMistake,
    isOutage: !isMistake,
    isUnsure: !isMistake && !UNSENT.test(`${code} ${message}`),
    isUnprepared: false,
    reason: reasonOf(text, isMistake ? undefined : 'look at the server, the network and the pool'),
    cause: Object.assign(new Error(text), code === undefined ? {} : { code }, syscall === undefined ? {} : { syscall })
  }
}

export function storeError (doing: string, reason: string, cause?: Error, outcome: SessionStoreError['outcome'] = 'refused'): SessionStoreError {
  return new SessionStoreError(`cannot ${doing} in PostgreSQL: ${reason}`, cause === undefined ? { outcome } : { cause, outcome })
}

/** SQLSTATEs have five characters, and so has EPIPE; none begins with an E. */
function isSqlState (code: unknown): code is string {
  return typeof code === 'string' && /^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code)
}

function reasonOf (text: string, advice: string | undefined): string {
  return advice === undefined ? text : `${text}; ${advice}`
}
