import type { Listening } from '../../lib/store/redis/redis-connection'

export const listening: Listening = { prefix: 'p:', channels: ['channel'], heard () {}, lost () {} }

/** Listens, and writes down what is heard and that the connection is lost. */
export function listener (): { listening: Listening, told: unknown[] } {
  const told: unknown[] = []
  return { listening: { ...listening, heard: (...heard) => { told.push(heard) }, lost: () => { told.push('lost') } }, told }
}

/** The steps in which a listener is made. */
export const STEPS = ['connect', 'call', 'subscribe']

/** A second connection whose step with this name fails. */
export class Twin {
  isClosed = false
  /** The commands that were sent. */
  readonly sent: string[][] = []
  /** By the name of the event; `message`: also what node-redis subscribes with. */
  readonly listeners = new Map<string, (...parameters: unknown[]) => void>()

  constructor (private readonly failing = '') {}

  on (event: string, listener: (...parameters: unknown[]) => void): void {
    this.listeners.set(event, listener)
  }

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

  async subscribe (channels: unknown, listener?: unknown): Promise<void> {
    this.sent.push(['SUBSCRIBE', ...[channels].flat() as string[]])
    if (typeof listener === 'function') this.listeners.set('message', listener as () => void)
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
