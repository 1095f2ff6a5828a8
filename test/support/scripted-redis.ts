import type { Listening, Listener, RedisConnection } from '../../lib/store/redis/redis-client'

/** A connection to a server that answers what a test says. */
export class ScriptedRedis implements RedisConnection {
  readonly client = 'client of a test'
  readonly keyPrefix = ''
  isCluster = false
  joinsCalls = true
  ready = true
  /** The commands that were sent, the oldest first. */
  readonly sent: string[][] = []
  /** Answers a command: return the answer, or throw. */
  answer: (command: string[]) => unknown = () => null
  /** Makes a listener: return it, or throw. */
  listener: (listening: Listening) => Promise<Listener> | Listener = () => ({ close () {} })

  isReady (): boolean {
    return this.ready
  }

  obstacle (): null {
    return null
  }

  async run (_key: string, command: string[]): Promise<unknown> {
    this.sent.push(command)
    return await this.answer(command)
  }

  async servers () {
    return [(command: string[]) => this.run('', command)]
  }

  async listen (listening: Listening): Promise<Listener> {
    return await this.listener(listening)
  }
}
