/** Numbers, and what is said of them. */
export class Tally {
  count = 0
  total = 0
  #least = Infinity
  #most = 0

  add (value: number): void {
    this.count++
    this.total += value
    this.#least = Math.min(this.#least, value)
    this.#most = Math.max(this.#most, value)
  }

  range (): Range {
    if (this.count === 0) return { min: 0, avg: 0, max: 0 }
    return { min: Math.round(this.#least), avg: Math.round(this.total / this.count), max: Math.round(this.#most) }
  }
}

export interface Range { min: number, avg: number, max: number }
