import { isPlainObject, setOwn, type PlainObject } from './plain-object'
import { isSame } from './same'

/** Three objects, and the one that becomes of them. */
interface Merging {
  readonly base: PlainObject
  readonly theirs: PlainObject
  readonly mine: PlainObject
  readonly merged: PlainObject
}

/** The base of objects that both sides made. */
const NOTHING: PlainObject = Object.freeze({})

/**
 * Three-way merge of session data: what `mine` changed since `base` is applied to `theirs`. Goes
 * key by key into plain objects; anything else, arrays included, is one value. A value that both
 * changed is mine; so is one that I changed and they removed, or the other way round.
 *
 * The arguments are left as they are; the result may share parts with them. Time and memory are
 * linear in their size, and no depth is too much.
 */
export function merge (base: PlainObject, theirs: PlainObject, mine: PlainObject): PlainObject {
  const waiting: Merging[] = []
  /** By `mine`: a codec may make circles, and objects that are in two places. */
  const begun = new Map<PlainObject, Merging[]>()

  function begin (base: PlainObject, theirs: PlainObject, mine: PlainObject): PlainObject {
    const known = begun.get(mine) ?? []
    const same = known.find(merging => merging.base === base && merging.theirs === theirs)
    if (same !== undefined) return same.merged
    const merging = { base, theirs, mine, merged: {} }
    if (known.push(merging) === 1) begun.set(mine, known)
    waiting.push(merging)
    return merging.merged
  }

  const merged = begin(base, theirs, mine)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) mergeLevel(next, begin)
  return merged
}

function mergeLevel ({ base, theirs, mine, merged }: Merging, begin: typeof merge): void {
  for (const key of Object.keys(theirs)) {
    if (Object.hasOwn(mine, key)) setOwn(merged, key, mergeValue(own(base, key), theirs[key], mine[key], begin))
    else if (!Object.hasOwn(base, key)) setOwn(merged, key, theirs[key])
  }
  for (const key of Object.keys(mine)) {
    if (Object.hasOwn(theirs, key)) continue
    const value = mine[key]
    if (!Object.hasOwn(base, key) || !isSame(base[key], value)) setOwn(merged, key, value)
  }
}

function mergeValue (base: unknown, theirs: unknown, mine: unknown, begin: typeof merge): unknown {
  if (isPlainObject(theirs) && isPlainObject(mine)) return begin(isPlainObject(base) ? base : NOTHING, theirs, mine)
  return isSame(base, mine) ? theirs : mine
}

function own (object: PlainObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}
