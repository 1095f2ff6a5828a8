'use strict'
const { isMainThread } = require('node:worker_threads')

/**
 * Says on standard error which test runs when a test file has nearly used up its time. tap ends such a file
 * with SIGKILL, which tells nothing. A file that never lets go of the event loop cannot say it.
 */
const SHARE = 0.9

const milliseconds = Number(process.env.TAP_TIMEOUT) * 1000
// The thread that compiles what is imported runs this as well.
if (isMainThread && milliseconds > 0) watch(milliseconds)

function watch (limit) {
  setTimeout(() => {
    const { t } = require('tap')
    // The file may have asked for more time.
    const { timeout = limit } = t.options
    const left = timeout * SHARE - performance.now()
    if (left > 1) watch(left / SHARE)
    else process.stderr.write(`after ${Math.round(performance.now() / 1000)} s of ${timeout / 1000} s this test runs: ${running(t)}\n`)
  }, limit * SHARE).unref()
}

/** A name for each level; several tests of one level may run at once. */
function running (t) {
  const names = [...t.activeSubtests].map(running)
  return names.length === 0 ? t.name : `${t.name} > ${names.join(' | ')}`
}
