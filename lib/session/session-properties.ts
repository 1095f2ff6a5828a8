import { JsonSlices } from './json-slices'
import { LazyData } from './lazy-data'
import { merge } from './merge'
import { setOwn, type PlainObject } from './plain-object'

/** What a session is filled with: an object, or the slices of its text. Their values are parsed when they are used. */
export type LoadedData = PlainObject | JsonSlices

/** The data of one session. They are properties of the session itself, but for names that its members have. */
export class SessionProperties {
  readonly #target: PlainObject
  /** The names of the members. */
  readonly #members: ReadonlySet<string>
  /** Data under names that members have. */
  #hidden: PlainObject | undefined
  /** Where the values of a large session come from. */
  #lazy: LazyData | null = null

  constructor (target: object, members: ReadonlySet<string>) {
    this.#target = target as PlainObject
    this.#members = members
  }

  get (key: string): unknown {
    const from = this.#members.has(key) ? this.#hidden : this.#target
    return from !== undefined && Object.hasOwn(from, key) ? from[key] : undefined
  }

  set (key: string, value: unknown): void {
    if (this.#members.has(key)) (this.#hidden ??= {})[key] = value
    else setOwn(this.#target, key, value)
  }

  /** Returns a copy of all data, one level deep. */
  copy (): PlainObject {
    const data: PlainObject = { ...this.#hidden, ...this.#target }
    for (const symbol of Object.getOwnPropertySymbols(data)) delete (data as Record<symbol, unknown>)[symbol]
    return data
  }

  /** The same, with something else in place of each value that was not used. */
  glance (): PlainObject {
    return this.#lazy === null ? this.copy() : this.#lazy.glance({ ...this.#hidden })
  }

  /** Makes plain values of all properties. */
  settle (): void {
    this.#lazy?.settle()
  }

  /** Returns the slices of the data as JSON prints them; null when they are to be printed as a whole. @throws what JSON does */
  slices (): JsonSlices | null {
    return this.#hidden === undefined && this.#lazy !== null ? this.#lazy.print() : null
  }

  /** Puts these data in place of all that there are. */
  fill (data: LoadedData): void {
    for (const key of Object.keys(this.#target)) delete this.#target[key]
    this.#hidden = undefined
    this.#lazy = null
    if (data instanceof JsonSlices) this.#fillLazily(data)
    else for (const key of Object.keys(data)) this.set(key, data[key])
  }

  #fillLazily (data: JsonSlices): void {
    this.#lazy = new LazyData(this.#target, data)
    for (const [key, slice] of data.slices) {
      if (slice.value !== undefined) this.set(key, slice.value)
      else if (this.#members.has(key)) this.set(key, data.parse(slice))
      else this.#lazy.add(key, slice)
    }
  }

  /**
   * Puts what a text has become in place of the data, which were loaded from `base`, and keeps what was changed
   * here, as `merge` does. Returns false, and has done nothing, when that takes a merge of the whole.
   */
  rebase (base: string, newer: JsonSlices): boolean {
    const sides = this.#hidden === undefined ? this.#lazy?.sides(base, newer) ?? null : null
    if (sides === null) return false
    const merged = merge(sides.base, sides.theirs, sides.mine)
    this.fill(newer)
    for (const key of Object.keys(sides.theirs)) {
      if (!Object.hasOwn(merged, key)) delete this.#target[key]
    }
    for (const key of Object.keys(merged)) this.set(key, merged[key])
    return true
  }
}
