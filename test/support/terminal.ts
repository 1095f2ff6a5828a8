import { Readable, Writable } from 'node:stream'
import type { Terminal } from '../../lib/cli/terminal'

export interface Printed { out: string, err: string }

/** A terminal, with text on standard input, and what is printed on it. */
export function testTerminal ({ input = '', isTTY = false } = {}): { terminal: Terminal, printed: Printed } {
  const printed = { out: '', err: '' }
  const into = (name: 'out' | 'err'): Writable => new Writable({
    write (chunk, _encoding, done) {
      printed[name] += String(chunk)
      done()
    }
  })
  const err = Object.assign(into('err'), { isTTY, columns: 80 })
  return { terminal: { in: Readable.from([input]), out: into('out'), err }, printed }
}
