import { SessionError } from '../errors'
import { setOwn } from './plain-object'

/**
 * Makes all names but those of members free for data, and returns the names of the members.
 *
 * - An assignment such as `session.data = …` would hide the method from all code that needs it: it
 *   throws and names the way out.
 * - `constructor` and `__proto__`, which every object has, become data like any other: the first by
 *   taking it away from the class, the second by a setter that makes an own property of it.
 * - Frozen, the class cannot be changed through a session that data were read into.
 */
export function protectMembers (prototype: object): ReadonlySet<string> {
  const names = new Set(Object.getOwnPropertyNames(prototype))
  names.delete('constructor')
  Reflect.deleteProperty(prototype, 'constructor')
  for (const name of names) {
    const { value, get = () => value as unknown } = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
    Object.defineProperty(prototype, name, { get, set () { throw nameTaken(name) } })
  }
  Object.defineProperty(prototype, '__proto__', {
    get: () => prototype,
    set (this: object, value: unknown) { setOwn(this, '__proto__', value) }
  })
  Object.freeze(prototype)
  return names
}

function nameTaken (name: string): SessionError {
  return new SessionError('SESSION_NAME_TAKEN',
    `session.${name} is a member of the session: choose another name, or use session.set('${name}', …)`)
}
