/** An object as literals and JSON make it. */
export type PlainObject = Record<string, unknown>

/** Whether it is an object as literals and JSON make them. */
export function isPlainObject (value: unknown): value is PlainObject {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Defines an own property with this value, whatever its name and whatever stands there. */
export function define (target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
}

/** Sets an own property, whatever its name: an assignment to `__proto__` makes no property. */
export function setOwn (target: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    define(target, key, value)
  } else {
    (target as PlainObject)[key] = value
  }
}

/** Returns a new object with those of the keys that the data have. */
export function pick (data: PlainObject, keys: readonly string[]): PlainObject {
  const picked: PlainObject = {}
  for (const key of keys) {
    if (Object.hasOwn(data, key)) setOwn(picked, key, data[key])
  }
  return picked
}
