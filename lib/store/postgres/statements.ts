import { hash } from 'node:crypto'
import { GRACE, SET_ASIDE_KEPT, touchInterval, type Lifetimes } from '../clock'
import { FORWARDING } from '../forwarding'
import { NO_VERSION } from '../index-lists'
import { RECENT_LENGTH, RECORD_ID_SQL, SHORT_ID } from './recent'
import { STANDBY } from './answer'
import { literal, qualified } from './schema'

/** A statement with its parameters `$1`, `$2` and so on. */
export interface Statement {
  readonly text: string
  /** Two statements with the same name have the same text. */
  readonly name: string
}

/** Seconds, beyond the time of some calls, for which the row of a session that has ended tells what became of the call that ended it. */
const MEMORY = 60
/** Those calls: a caller may ask again that often, with pauses. */
const CALLS = 6
/** Rows that a statement looks at when it lists or sweeps. */
const PAGE = 500
/** Bytes of text after which a page ends. */
const PAGE_SIZE = 1024 * 1024

export type Verb = 'read' | 'create' | 'replace' | 'replaceUnused' | 'remove' | 'touch' | 'setAside' | 'found' | 'foundEnded' | 'list' | 'texts' | 'clear' | 'sweep'
/** One statement a verb, for one table and appid. */
export type Statements = Readonly<Record<Verb, Statement>>

/** When the rows of a store end. */
export interface RowLifetimes extends Lifetimes {
  /** Whether no row ends before the store's own idle timeout, as lists do not: sessions in them go by what that is now. */
  readonly isLeast?: boolean | undefined
}

interface StatementOptions extends RowLifetimes {
  schema: string
  table: string
  appid: string
  /** Seconds: how long a caller asks again. */
  timeout: number
  /** Whether the role of the pool may write a message to the log of changes. */
  mayConfirm: boolean
}

/** The server's clock, in milliseconds since 1970, when the statement reached it. */
export const NOW = milliseconds('statement_timestamp()')
/** A standby may be behind the primary. */
const NOW_OF_PRIMARY = `CASE WHEN pg_is_in_recovery() THEN '${STANDBY}' ELSE (${NOW})::text END`
/**
 * Null. A caller that is told what an earlier statement did relies on it, also if the server was restarted while
 * that one waited for a synchronous standby. So something is written: then this statement waits for the same.
 * PostgreSQL looks for the right to do so when the statement starts, whether it is done or not. A standby cannot: its
 * answer is refused by its clock.
 */
const CONFIRMED = "CASE WHEN pg_is_in_recovery() THEN NULL WHEN pg_logical_emit_message(true, 'fastify-file-sessions', '') IS NULL THEN '' END"
/** One word, whatever a program may have written there. */
const VERSION = "replace(s.version, ' ', '?')"
/** Whether the row has a version that no store writes. */
const IS_DAMAGED = `s.version !~ '${RECORD_ID_SQL}'`
/** Columns cost the client more than words in one column. The last word is missing for the store's own idle timeout. */
const TIMES = `${milliseconds('s.created_at')}, ${milliseconds('s.accessed_at')}, s.idle_timeout`

/**
 * Every verb is one statement, and so a transaction of its own.
 *
 * A statement that changes a row checks version, status and age in its WHERE. If another transaction
 * holds the row, PostgreSQL waits and checks them again on what that one left behind. If the statement
 * changes nothing, it returns no row, and the store asks in a second one what is there: `found`, or
 * `foundEnded` after `remove`. If that is what the statement should have changed, the row has changed
 * meanwhile, and the store asks again. So a save that meets no other costs what an UPDATE costs.
 *
 * The last parameter of a statement that changes a row is the moment (server's clock, ms) from which it
 * does nothing any more, because the caller has been told that it failed. It bounds the wait for locks as well.
 */
export function statementsFor ({ schema, table, appid, timeout, mayConfirm, ...limits }: StatementOptions): Statements {
  const rows = `${qualified(schema, table)} AS s`
  const app = `s.appid = ${literal(appid)}`
  const key = `${app} AND s.name = $1`
  const page = `${app} AND s.name > $1 ORDER BY s.name LIMIT ${PAGE}`
  const inGrace = `NOT ${isOver(limits, GRACE / 1000)}`
  const doomed = `CASE s.status WHEN 'live' THEN ${isOver(limits, GRACE / 1000)} WHEN 'ended' THEN ${age('s.accessed_at')} > coalesce(s.idle_timeout, ${Math.ceil(memoryOf(timeout))}) ELSE ${age('s.accessed_at')} > ${SET_ASIDE_KEPT / 1000} END`
  // Both parameters are used in any case, for PostgreSQL to know their types.
  const found = (told: string): string => `SELECT concat_ws(' ', ${NOW_OF_PRIMARY}, CASE WHEN s.status = 'live' AND ${isOver(limits)} THEN 'expired' ELSE coalesce(s.status, 'none') END,
    CASE WHEN s.status = 'live' AND ${inGrace} THEN 1 ELSE 0 END, ${VERSION}, s.recent, CASE WHEN ${told} THEN ${mayConfirm ? CONFIRMED : "''"} END) AS about
    FROM (SELECT) AS one LEFT JOIN ${rows} ON ${key}`
  const done = `RETURNING ${NOW} || ' done' AS about`
  const remembered = `left(left(s.version, ${SHORT_ID}) || s.recent, ${RECENT_LENGTH})`
  const replacing = (accessedAt: string): string => `UPDATE ${rows} SET text = $2, version = $3, recent = ${remembered}, idle_timeout = $5::bigint,
      created_at = coalesce(to_timestamp($6::float8 / 1000), s.created_at), accessed_at = ${accessedAt}
    WHERE ${key} AND s.version = nullif($4, '${NO_VERSION}') AND s.status = 'live' AND ${inGrace} AND ${inTime('$7')} ${done}`

  return {
    read: statement('read', `SELECT s.text, concat_ws(' ', ${NOW_OF_PRIMARY}, ${VERSION}, ${TIMES}) AS about
      FROM (SELECT) AS one LEFT JOIN ${rows} ON ${key} AND s.status = 'live'`),

    create: statement('create', `INSERT INTO ${rows} (appid, name, text, version, recent, status, idle_timeout, created_at, accessed_at)
      SELECT ${literal(appid)}, $1, $2, $3, '', 'live', $4::bigint, least(${moment('$5')}, statement_timestamp()), least(${moment('$6')}, statement_timestamp()) WHERE ${inTime('$7')}
      ON CONFLICT (appid, name) DO UPDATE SET text = excluded.text, version = excluded.version, recent = ${remembered}, status = 'live',
        idle_timeout = excluded.idle_timeout, created_at = excluded.created_at, accessed_at = excluded.accessed_at
        WHERE (s.status <> 'live' OR ${isOver(limits)} OR ${IS_DAMAGED}) AND s.version <> $3 AND ${isNotRecent('$3')} ${done}`),

    replace: statement('replace', replacing('statement_timestamp()')),

    replaceUnused: statement('unused', replacing('s.accessed_at')),

    remove: statement('remove', `UPDATE ${rows} SET text = '', version = $2, recent = ${remembered}, status = 'ended', idle_timeout = ${Math.ceil(memoryOf(timeout))}, accessed_at = statement_timestamp()
      WHERE ${key} AND ${isAt('$3')} AND ${isNotRecent('$2')} AND s.status = 'live' AND ${inGrace} AND ${inTime('$4')} ${done}`),

    touch: statement('touch', `UPDATE ${rows} SET accessed_at = statement_timestamp()
      WHERE ${key} AND s.status = 'live' AND ${inGrace} AND ${age('s.accessed_at')} * 1000 >= ${justTouched(limits)} AND ${inTime('$2')}`),

    setAside: statement('aside', `UPDATE ${rows} SET name = s.name || '.' || $2, status = 'aside', accessed_at = statement_timestamp()
      WHERE ${key} AND ${isAt('$3')} AND s.status = 'live' AND ${inTime('$4')} ${done}`),

    found: statement('found', found(isKnown('$2'))),

    foundEnded: statement('ended', found(`coalesce(s.status, '') <> 'live' OR ${isOver(limits, GRACE / 1000)} OR ${isKnown('$2')}`)),

    list: statement('list', `SELECT s.name, CASE WHEN starts_with(s.text, ${literal(FORWARDING)}) THEN 'forwarding' ELSE s.status END AS status, octet_length(s.text) AS size, concat_ws(' ', ${NOW_OF_PRIMARY}, ${VERSION}, ${TIMES}) AS about FROM ${rows} WHERE ${page}`),

    texts: statement('texts', `SELECT s.name, s.status, s.text, concat_ws(' ', ${NOW_OF_PRIMARY}, ${VERSION}, ${TIMES}) AS about FROM (
      SELECT s.*, sum(octet_length(s.text)) OVER (ORDER BY s.name) - octet_length(s.text) AS bytes_before
      FROM (SELECT * FROM ${rows} WHERE ${page}) AS s
    ) AS s WHERE bytes_before < ${PAGE_SIZE} ORDER BY s.name`),

    clear: statement('clear', `WITH page AS (
      SELECT s.name FROM ${rows} WHERE ${page}
    ), removed AS (
      DELETE FROM ${rows} USING page WHERE ${app} AND s.name = page.name AND (s.status = 'live' OR ${doomed}) AND ${inTime('$2')} RETURNING s.status
    ) SELECT (${NOW})::text AS about, (SELECT max(name) FROM page) AS last, (SELECT count(*) FROM removed WHERE status = 'live')::int AS removed,
      CASE WHEN $2::float8 > ${NOW} THEN 1 ELSE 0 END AS in_time`),

    sweep: statement('sweep', `WITH page AS (
      SELECT s.name, s.status, ${doomed} AS doomed FROM ${rows} WHERE ${page}
    ), locked AS (
      SELECT s.name FROM ${rows} WHERE ${app} AND s.name IN (SELECT name FROM page WHERE doomed) AND ${doomed} FOR UPDATE SKIP LOCKED
    ), removed AS (
      DELETE FROM ${rows} USING locked WHERE ${app} AND s.name = locked.name AND ${doomed} RETURNING s.status, s.name, starts_with(s.text, ${literal(FORWARDING)}) AS forwards
    ) SELECT (${NOW})::text AS about, (SELECT max(name) FROM page) AS last, (SELECT count(*) FROM page WHERE status = 'live')::int AS seen,
      (SELECT count(*) FROM removed WHERE status = 'live')::int AS expired, (SELECT string_agg(name, ' ') FROM removed WHERE status = 'live' AND NOT forwards) AS names, (SELECT count(*) FROM removed WHERE status = 'aside')::int AS set_aside`)
  }
}

/** Seconds for which the row of an ended session is kept. The row says so itself: a store with another `timeout` may sweep it. */
export function memoryOf (timeout: number): number {
  return MEMORY + CALLS * timeout
}

export function statement (verb: string, text: string): Statement {
  return { text, name: `fastify-file-sessions ${verb} ${hash('sha256', text).slice(0, 16)}` }
}

/** Whether a live session ended more than so many seconds ago. An age is a number: a moment can be out of range. */
function isOver ({ idleTimeout, absoluteTimeout, isLeast }: RowLifetimes, secondsAgo = 0): string {
  const idle = `${age('s.accessed_at')} >= ${isLeast === true ? 'greatest' : 'coalesce'}(s.idle_timeout::float8, ${float(idleTimeout)}) + ${secondsAgo}`
  return absoluteTimeout === undefined ? `(${idle})` : `(${idle} OR ${age('s.created_at')} >= ${float(absoluteTimeout)} + ${secondsAgo})`
}

/** The milliseconds since the last access in which another touch would make no difference. */
function justTouched ({ idleTimeout }: Lifetimes): string {
  return `least(coalesce(s.idle_timeout::float8 * 100, ${float(touchInterval(idleTimeout))}), ${float(touchInterval(Infinity))}) / 60`
}

/** Also sets how long the statement may wait for a lock: it must come before the lock, in a WHERE. */
function inTime (deadline: string): string {
  return `(${deadline}::float8 > ${NOW} AND set_config('lock_timeout', greatest(1, ceil(${deadline}::float8 - ${NOW}))::int::text, true) <> '')`
}

/** Whether the row is at this version; null: any, {@link NO_VERSION}: that of a damaged row. */
function isAt (version: string): string {
  return `CASE ${version} WHEN '${NO_VERSION}' THEN ${IS_DAMAGED} ELSE s.version = coalesce(${version}, s.version) END`
}

/** Whether the record is the newest, or one of those before it. */
function isKnown (id: string): string {
  return `s.version = ${id} OR NOT ${isNotRecent(id)}`
}

/** Whether the record is not one of those before the newest: a repetition does not do again what was done. */
function isNotRecent (id: string): string {
  return `strpos(s.recent, left(${id}, ${SHORT_ID})) = 0`
}

/** Seconds since then. The difference of two moments would be an error where one is infinite. */
function age (column: string): string {
  return `(date_part('epoch', statement_timestamp()) - date_part('epoch', ${column}))`
}

/** A parameter in milliseconds since 1970, null for now. */
function moment (parameter: string): string {
  return `coalesce(to_timestamp(${parameter}::float8 / 1000), statement_timestamp())`
}

function milliseconds (time: string): string {
  return `date_part('epoch', ${time}) * 1000`
}

function float (value: number): string {
  return `'${value}'::float8`
}
