import * as random from '../../lib/random'

/** Bytes of a record id, and of a token. */
const SIZE = 8

let draw = (): string => { throw new Error('only a virtual process draws here') }

/** Lets what the code draws at random be what `next` returns, until this is called again: one process goes on at a time. */
export function sameWhenRepeated (next: () => string): void {
  draw = next
}

function drawn (bytes: number, encoding: 'base64url' | 'hex' | 'latin1'): string {
  const name = draw()
  if (bytes !== SIZE || name.length > SIZE) throw new Error(`${bytes} random bytes cannot be ${name}`)
  return Buffer.from(name.padEnd(SIZE, '\0'), 'latin1').toString(encoding)
}

Object.defineProperty(random, 'randomText', { value: drawn })
