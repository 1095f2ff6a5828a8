import { randomFillSync } from 'node:crypto'

const page = Buffer.alloc(4096)
let used = page.length

/** Returns random bytes as text. They are drawn by the page, for that is one system call for many. */
export function randomText (bytes: number, encoding: 'base64url' | 'hex' | 'latin1'): string {
  draw(bytes)
  return page.toString(encoding, used - bytes, used)
}

/** Puts so many random bytes, drawn by the page, at the start of `target`. */
export function fillRandom (target: Buffer, bytes: number): void {
  draw(bytes)
  page.copy(target, 0, used - bytes, used)
}

function draw (bytes: number): void {
  if (used + bytes > page.length) {
    randomFillSync(page)
    used = 0
  }
  used += bytes
}
