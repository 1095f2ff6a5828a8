import type { Readable, Writable } from 'node:stream'
import { styleText } from 'node:util'
import { printable, printableLines } from '../printable'

/** Where a command reads and writes. */
export interface Terminal {
  in: Readable & { isTTY?: boolean }
  out: Writable & { isTTY?: boolean }
  err: Writable & { isTTY?: boolean, columns?: number }
  /** Ends a command that would go on for ever. */
  signal?: AbortSignal
}

type Style = Parameters<typeof styleText>[0]

/** Characters. */
const BAR = 30
/** The least time between two changes of a bar, in milliseconds. */
const BAR_INTERVAL = 100
const CLEAR_LINE = '\r\u001B[K'

/** Prints one line. Names and messages in it may hold anything: the terminal must not obey them. */
export function print (stream: Writable, line: string): void {
  stream.write(`${printable(line)}\n`)
}

/** Prints text that may have lines of its own. */
export function printText (stream: Writable, text: string): void {
  stream.write(`${printableLines(text)}\n`)
}

/** Prints JSON for programs. */
export function printJson (stream: Writable, value: unknown): void {
  printText(stream, JSON.stringify(value, null, 2))
}

/** Prints one line, in a style on a terminal that shows colours. */
export function printStyled (stream: Writable & { isTTY?: boolean }, style: Style, line: string): void {
  // Of this stream: by itself, styleText looks at standard output.
  const hasColours = stream.isTTY === true && (process.env['NO_COLOR'] ?? '') === ''
  stream.write(`${hasColours ? styleText(style, printable(line), { validateStream: false }) : printable(line)}\n`)
}

/** Prints what went wrong. */
export function printError (terminal: Terminal, message: string): void {
  printStyled(terminal.err, 'red', `file-sessions: ${message}`)
}

/** Prints rows in columns, the first row as their headings. The first column is text, the others are numbers. */
export function printTable (stream: Writable & { isTTY?: boolean }, table: string[][]): void {
  const columns = (table[0] as string[]).length
  const cells = table.map(row => row.map(printable))
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...cells.map(row => (row[column] as string).length)))
  for (const [index, row] of cells.entries()) {
    const line = row.map((cell, column) => column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number)).join('  ')
    if (index === 0) printStyled(stream, 'bold', line)
    else stream.write(`${line}\n`)
  }
}

/** Says how far a command has got: on a terminal only, and never among its output. */
export class Progress {
  readonly #terminal: Terminal
  readonly #label: string
  readonly #isShown: boolean
  #shownAt = -Infinity

  constructor (terminal: Terminal, label: string) {
    this.#terminal = terminal
    this.#label = printable(label)
    this.#isShown = terminal.err.isTTY === true
  }

  /** `of` is left out when it is not known. */
  readonly report = (done: number, of?: number): void => {
    if (!this.#isShown || performance.now() - this.#shownAt < BAR_INTERVAL) return
    this.#shownAt = performance.now()
    this.#terminal.err.write(`${CLEAR_LINE}${this.#label} ${of === undefined ? String(done) : bar(done, of)}`)
  }

  /** Prints a line while the bar is shown. */
  print (line: string): void {
    if (this.#isShown) this.#terminal.err.write(CLEAR_LINE)
    print(this.#terminal.out, line)
  }

  stop (): void {
    if (this.#shownAt !== -Infinity) this.#terminal.err.write(CLEAR_LINE)
  }
}

function bar (done: number, of: number): string {
  const part = of === 0 ? 1 : Math.min(done / of, 1)
  const filled = Math.round(part * BAR)
  return `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${Math.floor(part * 100)}%`
}
