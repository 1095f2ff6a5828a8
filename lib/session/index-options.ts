import { check } from '../option-checks'
import type { IndexValue } from '../store/index-labels'
import type { OnLimit } from '../store/index-entry'
import type { SettledIndexes } from './indexing'

/** The options of a registration that let sessions be found by what they hold. */
export interface IndexOptions<Data extends object> {
  /**
   * What sessions are found by, such as `{ user: data => data.user?.id }`: a string, a number, or
   * `undefined` for a session that is not in the index. At most 16. The functions see the data as they
   * are stored, and should do nothing else. @default none
   */
  indexes?: Readonly<Record<string, (data: Readonly<Data>) => IndexValue | undefined | null>> | undefined
  /** How many sessions a value of an index may have, such as `{ user: 5 }`. @default any number */
  maxPerValue?: Readonly<Record<string, number>> | undefined
  /**
   * What a login does that is one too many: `'end-oldest'` ends the session whose login is longest ago,
   * `'refuse'` fails with a SessionLimitError (409). @default 'end-oldest'
   */
  onLimit?: OnLimit | undefined
}

export const INDEX_OPTIONS = ['indexes', 'maxPerValue', 'onLimit']
const NAME = /^[A-Za-z][\w-]{0,31}$/
/** Labels that fit into a header. */
const MOST = 16

/** Checks the options and fills in the defaults; null without indexes. @throws {SessionError} SESSION_OPTION */
export function indexOptions ({ indexes, maxPerValue: limits, onLimit: given }: IndexOptions<Record<string, unknown>>): SettledIndexes | null {
  const maxPerValue = limits ?? {}
  const onLimit = given ?? 'end-oldest'
  check(indexes === undefined || isObject(indexes), 'indexes', 'must be an object with functions, such as { user: data => data.user?.id }')
  const names = Object.keys(indexes ?? {})
  check(names.length <= MOST, 'indexes', `must have at most ${MOST} functions`)
  for (const name of names) {
    check(NAME.test(name), 'indexes', `must have names of 1 to 32 letters, digits, _ or -, a letter first, not ${JSON.stringify(name)}`)
    check(typeof indexes?.[name] === 'function', `indexes.${name}`, 'must be a function, such as data => data.user?.id')
  }
  check(onLimit === 'end-oldest' || onLimit === 'refuse', 'onLimit', "must be 'end-oldest' or 'refuse'")
  check(isObject(maxPerValue), 'maxPerValue', 'must be an object with numbers, such as { user: 5 }')
  check(Object.keys(maxPerValue).length === 0 || names.length > 0, 'maxPerValue', 'has no effect without the option indexes')
  for (const name of Object.keys(maxPerValue)) check(names.includes(name), `maxPerValue.${name}`, `must be the name of an index: ${names.join(', ')}`)
  for (const [name, most] of Object.entries(maxPerValue)) {
    check(Number.isInteger(most) && most > 0, `maxPerValue.${name}`, 'must be a whole number above 0')
  }
  check(given === undefined || Object.keys(maxPerValue).length > 0, 'onLimit', 'has no effect without the option maxPerValue')
  return indexes === undefined || names.length === 0 ? null : { indexes, maxPerValue, onLimit }
}

function isObject (value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
