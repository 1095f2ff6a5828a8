import { SessionError } from './errors'

const COOKIE_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Characters. The percent-encoded form of an appid must fit into a file name. */
const LONGEST_APPID = 80

/** @throws {SessionError} SESSION_OPTION, with the name of the option and the rule, unless the option is right */
export function check (isRight: boolean, name: string, rule: string): asserts isRight {
  if (!isRight) throw new SessionError('SESSION_OPTION', `fastify-file-sessions: option ${name} ${rule}`)
}

/** @throws {SessionError} SESSION_OPTION, for options that are not an object or have a name that is not known */
export function checkKnown (options: object, known: string[], within = ''): void {
  if (typeof options !== 'object' || options === null) throw new SessionError('SESSION_OPTION', `fastify-file-sessions: ${within}options must be an object`)
  for (const name of Object.keys(options)) {
    check(known.includes(name), within + name, `is not known; the options are ${known.join(', ')}`)
  }
}

/** @throws {SessionError} SESSION_OPTION, unless the appid is a cookie name that is short enough */
export function checkAppid (appid: string, name = 'appid'): void {
  check(typeof appid === 'string' && COOKIE_NAME.test(appid) && appid.length <= LONGEST_APPID, name,
    `must be a cookie name: 1 to ${LONGEST_APPID} letters, digits or any of !#$%&'*+-.^_\`|~`)
}

/** Returns the options that are given: one that is undefined is left out, and must not put a default away. */
export function given<T extends object> (options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

/** Whether the value is a finite number of seconds, of at least `least`. */
export function isTime (value: unknown, least = Number.MIN_VALUE): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= least
}
