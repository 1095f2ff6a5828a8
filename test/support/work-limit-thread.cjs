'use strict'
/** The thread of work-limit.cjs. */
const { writeSync } = require('node:fs')
const { workerData: limits } = require('node:worker_threads')

/** Milliseconds that tap has to tell what keeps the process, once it was asked to. */
const LAST_WORDS = 10_000

let last = stateOf(limits)
const timer = setInterval(() => {
  const now = stateOf(limits)
  if (now.assertions !== last.assertions) {
    last = now
  } else if (now.waited - last.waited >= limits.waiting || now.computed - last.computed >= limits.computing) {
    clearInterval(timer)
    end(limits, now.waited - last.waited, now.computed - last.computed)
  }
}, limits.step)

function stateOf ({ numbers }) {
  const { user, system } = process.cpuUsage()
  return { assertions: Atomics.load(numbers, 0), waited: Atomics.load(numbers, 1) / 1000, computed: (user + system) / 1e6 }
}

function end (limits, waited, computed) {
  const { file, numbers, text } = limits
  const running = new TextDecoder().decode(text.slice(0, Atomics.load(numbers, 2))) || 'no test yet'
  writeSync(2, `${file} does not go on: since its last assertion it waited for ${Math.round(waited)} s and computed for ${Math.round(computed)} s, in: ${running}\n`)
  process.kill(process.pid, 'SIGALRM')
  setTimeout(() => { process.kill(process.pid, 'SIGKILL') }, Math.min(LAST_WORDS, limits.computing * 1000))
}
