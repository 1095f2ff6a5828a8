import { inspect } from 'node:util'
import { define, setOwn, type PlainObject } from './plain-object'
import type { JsonSlices, Slice } from './json-slices'

/** The three objects of a merge. */
export interface MergeSides {
  readonly base: PlainObject
  readonly theirs: PlainObject
  readonly mine: PlainObject
}

/**
 * The data of a large JSON text as properties of an object. An object or array is parsed when the
 * property is first used: until then it is an accessor that JSON, spread and every other reader take
 * for a value.
 */
export class LazyData {
  readonly #target: PlainObject
  readonly #slices: JsonSlices
  readonly #getters = new Map<string, () => unknown>()
  /** The keys of values that were not used yet. */
  readonly #unread = new Set<string>()

  constructor (target: object, slices: JsonSlices) {
    this.#target = target as PlainObject
    this.#slices = slices
  }

  /** Returns the data in an object of its own. For the console its values are made plain. */
  static draft (slices: JsonSlices): { data: PlainObject, lazy: LazyData } {
    const data: PlainObject = {}
    const lazy = new LazyData(data, slices)
    for (const [key, slice] of slices.slices) {
      if (slice.value === undefined) lazy.add(key, slice)
      else setOwn(data, key, slice.value)
    }
    const show = (): PlainObject => {
      lazy.settle()
      return data
    }
    Object.defineProperty(data, inspect.custom, { value: show, configurable: true })
    return { data, lazy }
  }

  /** Defines the property of an object or array. */
  add (key: string, slice: Slice): void {
    const unread = this.#unread
    const slices = this.#slices
    let value: unknown
    const get = (): unknown => {
      if (unread.delete(key)) value = slices.parse(slice)
      return value
    }
    Object.defineProperty(this.#target, key, {
      get,
      // An object that inherits from the target gets a property of its own, as it does from a value.
      set (this: object, value: unknown) { define(this, key, value) },
      enumerable: true,
      configurable: true
    })
    this.#getters.set(key, get)
    unread.add(key)
  }

  /** Returns the slices of the text that JSON prints of the target; null when it is to print the whole. @throws what JSON does */
  print (): JsonSlices | null {
    // JSON calls a function of this name.
    if (Object.hasOwn(this.#target, 'toJSON')) return null
    const keys = Object.keys(this.#target)
    return this.#slices.with(keys, keys.map(key => this.#unreadSlice(key) ?? this.#slices.pieceOf(key, this.#target[key])))
  }

  /** Adds all values to this object, with the slice in place of one that was not used, and returns it. */
  glance (copy: PlainObject): PlainObject {
    for (const key of Object.keys(this.#target)) setOwn(copy, key, this.#unreadSlice(key) ?? this.#target[key])
    return copy
  }

  /**
   * Returns what a merge with a newer text has to look at: the values of all keys but those that are
   * unused here, where everything newer counts. `base` is the text that the target was filled with; of
   * another one null is returned.
   */
  sides (base: string, newer: JsonSlices): MergeSides | null {
    if (this.#slices.text !== base) return null
    const sides: MergeSides = { base: {}, theirs: {}, mine: {} }
    for (const key of Object.keys(this.#target)) {
      if (this.#unreadSlice(key) === undefined) setOwn(sides.mine, key, this.#target[key])
    }
    for (const [side, slices] of [[sides.base, this.#slices], [sides.theirs, newer]] as const) {
      for (const [key, slice] of slices.slices) {
        if (this.#unreadSlice(key) === undefined) setOwn(side, key, slice.value ?? slices.parse(slice))
      }
    }
    return sides
  }

  /** Makes plain values of all properties. */
  settle (): void {
    for (const key of Object.keys(this.#target)) {
      if (this.#isOurs(key)) define(this.#target, key, this.#target[key])
    }
  }

  /** Returns the slice of a property that is as it was added. */
  #unreadSlice (key: string): Slice | undefined {
    return this.#unread.has(key) && this.#isOurs(key) ? this.#slices.slices.get(key) : undefined
  }

  /** Whether the property is the one that was added, and not one that the app has put in its place. */
  #isOurs (key: string): boolean {
    const get = this.#getters.get(key)
    return get !== undefined && Object.getOwnPropertyDescriptor(this.#target, key)?.get === get
  }
}
