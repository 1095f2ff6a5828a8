/**
 * Remembers what was asked for lately, between `most / 2` and `most` entries. It takes one look-up
 * to find an entry and no memory before there are any, so that a store costs little to make.
 */
export class Recent {
  readonly #half: number
  #newer = new Map<string, string>()
  /** The generation before. What is asked for of it moves to the newer one; the rest goes with it. */
  #older = new Map<string, string>()

  constructor (most: number) {
    this.#half = Math.ceil(most / 2)
  }

  /** Returns the value of a key; if it is not remembered, the one that `make` returns. */
  get (key: string, make: () => string): string {
    const known = this.#newer.get(key)
    if (known !== undefined) return known
    const value = this.#older.get(key) ?? make()
    if (this.#newer.size >= this.#half) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(key, value)
    return value
  }
}
