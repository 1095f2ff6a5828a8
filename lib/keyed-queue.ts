/** Runs tasks with the same key one after the other, and all others at once. */
export class KeyedQueue {
  readonly #tails = new Map<unknown, Promise<unknown>>()

  /** Settles as the task does. A task that fails does not keep the next from running. */
  run<T> (key: unknown, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const turn = before === undefined ? task() : before.then(task)
    const tail = turn.then(ignore, ignore).then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    })
    this.#tails.set(key, tail)
    return turn
  }
}

function ignore (): void {}
