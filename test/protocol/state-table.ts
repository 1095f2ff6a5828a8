/** Rows of whole numbers, each kept once: an append-only table with an index over part of each row. */
export class StateTable {
  count = 0
  #rows: Int32Array
  #slots = new Int32Array(1 << 16).fill(-1)

  /** The first `identity` numbers of a row tell it from others; the rest says where it came from. */
  constructor (readonly width: number, readonly identity: number) {
    this.#rows = new Int32Array(width << 12)
  }

  row (index: number): Int32Array {
    return this.#rows.subarray(index * this.width, (index + 1) * this.width)
  }

  /** Leaves the table as it is when the row is there already. */
  add (row: readonly number[]): void {
    let slot = this.#hash(row)
    for (;; slot = (slot + 1) & (this.#slots.length - 1)) {
      const index = this.#slots[slot] as number
      if (index === -1) break
      if (this.#isAt(index, row)) return
    }
    if ((this.count + 1) * this.width > this.#rows.length) {
      const rows = new Int32Array(this.#rows.length * 2)
      rows.set(this.#rows)
      this.#rows = rows
    }
    this.#rows.set(row, this.count * this.width)
    this.#slots[slot] = this.count++
    if (this.count * 2 > this.#slots.length) this.#index()
  }

  #index (): void {
    this.#slots = new Int32Array(this.#slots.length * 2).fill(-1)
    for (let index = 0; index < this.count; index++) {
      let slot = this.#hash(this.row(index))
      while (this.#slots[slot] !== -1) slot = (slot + 1) & (this.#slots.length - 1)
      this.#slots[slot] = index
    }
  }

  #isAt (index: number, row: readonly number[]): boolean {
    for (let column = 0; column < this.identity; column++) {
      if (this.#rows[index * this.width + column] !== row[column]) return false
    }
    return true
  }

  #hash (row: ArrayLike<number>): number {
    let hash = 0x811c9dc5
    for (let column = 0; column < this.identity; column++) {
      hash = Math.imul(hash ^ (row[column] as number), 0x9e3779b1)
      hash ^= hash >>> 15
    }
    return hash & (this.#slots.length - 1)
  }
}
