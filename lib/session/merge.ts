import { isDeepStrictEqual } from 'node:util'

export type PlainObject = Record<string, unknown>

/**
 * Three-way merge of session data: what `mine` changed since `base` is applied to `theirs`. Goes
 * key by key into plain objects; anything else, arrays included, is one value. A value that both
 * changed is mine; so is one that I changed and they removed, or the other way round.
 *
 * The arguments are left as they are; the result may share parts with them. Time and memory are
 * linear in their size.
 */
export function merge (base: PlainObject, theirs: PlainObject, mine: PlainObject): PlainObject {
  const merged: PlainObject = {}
  for (const key of Object.keys(theirs)) {
    if (Object.hasOwn(mine, key)) put(merged, key, mergeValue(own(base, key), theirs[key], mine[key]))
    else if (!Object.hasOwn(base, key)) put(merged, key, theirs[key])
  }
  for (const key of Object.keys(mine)) {
    if (Object.hasOwn(theirs, key)) continue
    if (!Object.hasOwn(base, key) || !isDeepStrictEqual(base[key], mine[key])) put(merged, key, mine[key])
  }
  return merged
}

function mergeValue (base: unknown, theirs: unknown, mine: unknown): unknown {
  if (isPlainObject(theirs) && isPlainObject(mine)) return merge(isPlainObject(base) ? base : {}, theirs, mine)
  return isDeepStrictEqual(base, mine) ? theirs : mine
}

/** Objects as literals and JSON make them. */
export function isPlainObject (value: unknown): value is PlainObject {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Sets an own property, whatever its name: `__proto__` by assignment would be no property. */
export function put (target: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    (target as PlainObject)[key] = value
  }
}

function own (object: PlainObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}
