import { isDeepStrictEqual } from 'node:util'
import { isPlainObject, type PlainObject } from './plain-object'

/**
 * Whether two values are the same, at any depth: plain objects and arrays are compared with a stack
 * of our own, because nesting that a codec can store must not overflow the engine's. Values of other
 * kinds, which only a codec of the app makes, are compared by `isDeepStrictEqual`; values that it
 * cannot compare count as different.
 */
export function isSame (one: unknown, other: unknown): boolean {
  const left: unknown[] = [one]
  const right: unknown[] = [other]
  /** What an object is being compared with: a codec may make circles. */
  const compared = new Map<object, Set<object>>()
  while (left.length > 0) {
    const a = left.pop()
    const b = right.pop()
    if (Object.is(a, b)) continue
    if (!isTree(a) || !isTree(b)) {
      if (!isSameValue(a, b)) return false
      continue
    }
    const partners = compared.get(a)
    if (partners === undefined) compared.set(a, new Set([b]))
    else if (partners.has(b)) continue
    else partners.add(b)
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b) || a.length !== b.length) return false
    const keys = Object.keys(a)
    if (keys.length !== Object.keys(b).length) return false
    for (const key of keys) {
      if (!Object.hasOwn(b, key)) return false
      left.push(a[key])
      right.push(b[key])
    }
  }
  return true
}

/** Plain objects and arrays. */
function isTree (value: unknown): value is PlainObject {
  return Array.isArray(value) ? Object.getPrototypeOf(value) === Array.prototype : isPlainObject(value)
}

function isSameValue (a: unknown, b: unknown): boolean {
  try {
    return isDeepStrictEqual(a, b)
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
