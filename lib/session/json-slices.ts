import { isPlainObject, type PlainObject } from './plain-object'

/** A shorter text (characters) is parsed and printed as a whole: its slices would cost more. */
export const SHORTEST_SLICED = 2048
/** A slice costs about as much as it takes to parse and print so many characters. */
const CHARACTERS_A_KEY = 128

/** Where `"key":value` stands in a text. */
export interface Slice {
  readonly start: number
  readonly valueStart: number
  readonly end: number
  /** Undefined for an object or an array, of which each reader gets one of its own. */
  readonly value: unknown
}

/**
 * The JSON text of an object, cut at its keys: so that one value can be parsed, and a changed one be
 * printed, without the others. It never changes.
 */
export class JsonSlices {
  private constructor (readonly text: string, readonly slices: ReadonlyMap<string, Slice>) {}

  /**
   * Returns the slices of a text; null for one that is to be parsed as a whole: it is short, has many
   * keys, or is not what JSON prints of the object that it parses to.
   */
  static of (text: string): JsonSlices | null {
    const data = text.length < SHORTEST_SLICED ? null : parsedObject(text)
    if (data === null) return null
    const keys = Object.keys(data)
    if (keys.length * CHARACTERS_A_KEY > text.length) return null
    const printed = joined(keys, keys.map(key => print(key, data[key])))
    return printed.text === text ? new JsonSlices(text, printed.slices) : null
  }

  /**
   * Returns the slices of an object with these keys. `pieces` has for each what `pieceOf` returns, or
   * the slice as it is.
   */
  with (keys: readonly string[], pieces: ReadonlyArray<Slice | string>): JsonSlices {
    if (this.#isAll(pieces)) return this
    const texts = pieces.map(piece => typeof piece === 'string' ? piece : this.text.slice(piece.start, piece.end))
    const { text, slices } = joined(keys, texts)
    return new JsonSlices(text, slices)
  }

  /** Returns what stands under a key that has this value; an empty string for a value that JSON leaves out. @throws what JSON does */
  pieceOf (key: string, value: unknown): Slice | string {
    const slice = this.slices.get(key)
    if (slice?.value !== undefined && Object.is(slice.value, value)) return slice
    const text = print(key, value)
    return slice !== undefined && text.length === slice.end - slice.start && this.text.startsWith(text, slice.start) ? slice : text
  }

  /** Returns the value of this slice, an object or array of the caller's own. */
  parse ({ valueStart, end }: Slice): unknown {
    return JSON.parse(this.text.slice(valueStart, end))
  }

  /** Whether these are all slices of the text, in order. */
  #isAll (pieces: ReadonlyArray<Slice | string>): boolean {
    let start = 1
    for (const piece of pieces) {
      if (typeof piece === 'string' || piece.start !== start) return false
      start = piece.end + 1
    }
    return start === this.text.length
  }
}

function joined (keys: readonly string[], texts: readonly string[]): { text: string, slices: Map<string, Slice> } {
  const slices = new Map<string, Slice>()
  let start = 1
  keys.forEach((key, index) => {
    const text = texts[index] as string
    if (text === '') return
    const keyLength = JSON.stringify(key).length + 1
    const value = isTree(text, keyLength) ? undefined : JSON.parse(text.slice(keyLength)) as unknown
    slices.set(key, { start, valueStart: start + keyLength, end: start + text.length, value })
    start += text.length + 1
  })
  return { text: `{${texts.filter(text => text !== '').join(',')}}`, slices }
}

/** Whether the value that starts there is an object or an array. */
function isTree (text: string, start: number): boolean {
  return text[start] === '{' || text[start] === '['
}

/** Prints in an object of its own, so that a key with every name and a value's `toJSON(key)` come out as in the whole. */
function print (key: string, value: unknown): string {
  return JSON.stringify({ [key]: value }).slice(1, -1)
}

/** Returns null for a text that is to be refused, in words that the whole's reader has. */
function parsedObject (text: string): PlainObject | null {
  try {
    const data: unknown = JSON.parse(text)
    return isPlainObject(data) ? data : null
  } catch {
    return null
  }
}
