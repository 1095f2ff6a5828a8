#!/usr/bin/env node
import { run } from './program'

let lost = false
let worst = 0

/** Of several exit codes the highest counts. */
function exitWith (code: number): void {
  worst = Math.max(worst, code)
  process.exitCode = worst
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    // The reader at the other end of a pipe may have seen enough, as `head` has. The work goes on.
    if (code === 'EPIPE' || lost) return
    lost = true
    exitWith(2)
    process.stderr.write(`file-sessions: ${message}\n`)
  })
}

run(process.argv.slice(2), { in: process.stdin, out: process.stdout, err: process.stderr })
  .then(exitWith)
