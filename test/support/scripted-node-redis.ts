import { numbered } from './numbered'

/** A client like one of node-redis that answers what a test says. */
export class ScriptedNodeRedis {
  isOpen = true
  isReady = true
  readonly options = {}
  /** The commands that were sent, the oldest first. */
  readonly sent: string[][] = []
  /** Answers a command: return the answer, of a script without the number of the command, or throw. */
  answer: (command: string[]) => unknown = () => null
  /** What `duplicate` returns. */
  twin: unknown = null

  async sendCommand (command: string[]): Promise<unknown> {
    this.sent.push(command)
    return numbered(command, await this.answer(command))
  }

  multi () {
    return { addCommand: () => null, execAsPipeline: async () => null }
  }

  duplicate (): unknown {
    return this.twin
  }
}
