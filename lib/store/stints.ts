/** Work goes on for this long (ms), and then lets requests go first for as long. */
const STINT = 5

/** Work of low priority: it is done in stints, with a pause after each. */
export class Stints {
  readonly #pause: (milliseconds: number) => Promise<unknown>
  #start = performance.now()

  constructor (pause: (milliseconds: number) => Promise<unknown>) {
    this.#pause = pause
  }

  /** Called between two steps of the work: makes the pause, if it is time. */
  async goOn (): Promise<void> {
    const worked = performance.now() - this.#start
    if (worked < STINT) return
    await this.#pause(worked)
    this.#start = performance.now()
  }
}
