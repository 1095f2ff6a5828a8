import type { PlainObject } from './plain-object'
import type { SessionCopy } from './session-copy'

/** Whether the copy has changes that are not stored, or a session to end that is still there. */
export function hasUnsavedChanges (copy: SessionCopy): boolean {
  if (copy.leftovers?.some(({ setAside }) => !setAside) === true) return true
  try {
    return copy.unsavedText() !== null
  } catch {
    // What cannot be encoded is not stored either.
    return true
  }
}

/** Whether both have the same values under the same keys, one level deep. */
export function hasSameValues (data: PlainObject, other: PlainObject): boolean {
  const keys = Object.keys(data)
  return keys.length === Object.keys(other).length && keys.every(key => data[key] === other[key])
}
