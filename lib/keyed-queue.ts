/** Runs tasks with the same key one after the other, and all others at once. */
export class KeyedQueue {
  readonly #last = new Map<unknown, Promise<unknown>>()

  /** Whether a task with this key is running or waiting. */
  isBusy (key: unknown): boolean {
    return this.#last.has(key)
  }

  /** Settles as the task does. A task that fails does not keep the next from running. */
  run<T> (key: unknown, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const result = before === undefined ? task() : before.then(task, task)
    const done = (): void => { if (this.#last.get(key) === result) this.#last.delete(key) }
    this.#last.set(key, result)
    result.then(done, done)
    return result
  }
}
