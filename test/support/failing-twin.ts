import type { Listening } from '../../lib/store/redis/redis-connection'

export const listening: Listening = { prefix: 'p:', channels: ['channel'], heard () {}, lost () {} }

/** The steps in which a listener is made. */
export const STEPS = ['connect', 'call', 'subscribe']

/** A second connection whose step with this name fails. */
export class Twin {
  isClosed = false
  /** The commands that were sent. */
  readonly sent: string[][] = []
  constructor (private readonly failing = '') {}
  on (): void {}

  async connect (): Promise<void> {
    this.#step('connect')
  }

  async call (...command: string[]): Promise<unknown> {
    return await this.sendCommand(command)
  }

  async sendCommand (command: string[]): Promise<unknown> {
    this.sent.push(command)
    this.#step('call')
    return 7
  }

  async subscribe (): Promise<void> {
    this.#step('subscribe')
  }

  disconnect (): void {
    this.isClosed = true
  }

  destroy (): void {
    this.isClosed = true
    this.#step('destroy')
  }

  #step (name: string): void {
    if (name === this.failing) throw new Error(`${name} fails`)
  }
}
