import type { Readable, Writable } from 'node:stream'
import { SingleBar } from 'cli-progress'
import { printable, printableLines } from '../printable'

/** Where a command reads and writes. */
export interface Terminal {
  in: Readable
  out: Writable
  err: Writable & { isTTY?: boolean }
}

/** Prints one line. Names and messages in it may hold anything: the terminal must not obey them. */
export function print (stream: Writable, line: string): void {
  stream.write(`${printable(line)}\n`)
}

/** Prints text that may have lines of its own. */
export function printText (stream: Writable, text: string): void {
  stream.write(`${printableLines(text)}\n`)
}

/** Says how far a command has got: on a terminal only, and never among its output. */
export class Progress {
  readonly #terminal: Terminal
  readonly #bar: SingleBar | null
  #of = 0

  constructor (terminal: Terminal, label: string) {
    this.#terminal = terminal
    this.#bar = terminal.err.isTTY !== true
      ? null
      : new SingleBar({
        format: `${printable(label)} {bar} {percentage}%`,
        stream: terminal.err as NodeJS.WritableStream,
        clearOnComplete: true,
        // Ctrl+C must leave nothing switched off on the terminal.
        hideCursor: false,
        linewrap: true
      })
  }

  readonly report = (done: number, of: number): void => {
    if (this.#of === 0) this.#bar?.start(of, done)
    else this.#bar?.update(done)
    this.#of = of
  }

  /** Prints a line while the bar is shown. */
  print (line: string): void {
    if (this.#bar !== null) this.#terminal.err.write('\r\u001B[K')
    print(this.#terminal.out, line)
  }

  stop (): void {
    this.#bar?.stop()
  }
}
