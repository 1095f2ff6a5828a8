import type { Script } from './script'

/** The most calls, and the most characters of text, that go out as one command: the server does nothing else meanwhile. */
const MOST_CALLS = 16
const MOST_TEXT = 64 * 1024
/** The most calls that change nothing, while their answers stay below `MOST_TEXT`: one of them takes the server a tenth of the time. */
const MOST_READS = 64

/** Taken now: tests of apps put clocks of their own in its place. */
const later = setImmediate

/** What a script answered for one session. */
export interface Answer {
  /** The outcome, or what `READ` returns of a key. */
  readonly reply: number | string | null
  /** What the server's clock showed, in milliseconds since 1970. */
  readonly now: number
  /** How many replicas have what it wrote; `undefined` when nothing waited for them. */
  readonly replicas: number | undefined
}

/** A call of a script for one session. */
export interface Call {
  /** What the caller wants, for messages: `save a session`. */
  readonly doing: string
  readonly script: Script
  readonly key: string
  /** A second key in the same slot, if the script uses one. */
  readonly otherKey?: string
  /** Its id and three more; null for a script that takes no parameters, and changes nothing. */
  readonly parameters: string | null
  readonly text: string
}

/** A call, and the caller that waits for its answer. */
export interface Waiting {
  readonly call: Call
  readonly resolve: (answer: Answer | Promise<Answer>) => void
}

interface Batch {
  readonly waiting: Waiting[]
  /** Characters. */
  size: number
}

/**
 * Gathers the calls of one script that begin in one turn of the event loop, to send them as one command:
 * for the app's process a command costs more than a session.
 */
export class CallBatches {
  /** Those that are not sent yet. */
  readonly #open = new Map<Script, Batch>()
  readonly #send: (waiting: Waiting[]) => void
  /** How many reads may go out as one command, by what the last ones answered. */
  #mostReads = MOST_CALLS

  constructor (send: (waiting: Waiting[]) => void) {
    this.#send = send
  }

  add (call: Call): Promise<Answer> {
    return new Promise(resolve => {
      const batch = this.#open.get(call.script) ?? this.#begin(call.script)
      batch.waiting.push({ call, resolve })
      batch.size += call.text.length
      const most = call.parameters === null ? this.#mostReads : MOST_CALLS
      if (batch.waiting.length >= most || batch.size > MOST_TEXT) this.#end(call.script, batch)
    })
  }

  /** Takes note of how long the answers of a command were on average, in characters: the next ones are likely to be as long. */
  heard (average: number): void {
    this.#mostReads = Math.min(Math.max(Math.floor(MOST_TEXT / average), MOST_CALLS), MOST_READS)
  }

  #begin (script: Script): Batch {
    const batch: Batch = { waiting: [], size: 0 }
    this.#open.set(script, batch)
    later(() => { this.#end(script, batch) })
    return batch
  }

  #end (script: Script, batch: Batch): void {
    if (this.#open.get(script) !== batch) return
    this.#open.delete(script)
    this.#send(batch.waiting)
  }
}
