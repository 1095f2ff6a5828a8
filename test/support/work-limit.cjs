'use strict'
/**
 * Ends a test file that does not go on, and says which tests were running. The limits count work, not
 * the time on the clock, so that a busy machine ends nothing: since the last assertion the file has
 *
 * - waited: its event loop had nothing to do for `WAITING` seconds, or
 * - computed: it has used `COMPUTING` seconds of CPU time.
 *
 * The thread that counts runs beside the file, which need not let go of its event loop: see work-limit-thread.cjs.
 */
const Module = require('node:module')
const path = require('node:path')
const { Worker, isMainThread } = require('node:worker_threads')

const { FILE_MAY_WAIT = '600', FILE_MAY_COMPUTE = '1800' } = process.env
const LONGEST_TEXT = 4096
/** Milliseconds. */
const STEP = 1000

const file = path.resolve(process.argv[1] ?? '')
if (isMainThread && /\.(test|long)\.ts$/.test(file)) watch()

function watch () {
  const numbers = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT))
  const text = new Uint8Array(new SharedArrayBuffer(LONGEST_TEXT))
  const limits = { file, numbers, text, step: STEP, waiting: Number(FILE_MAY_WAIT), computing: Number(FILE_MAY_COMPUTE) }
  new Worker(path.join(__dirname, 'work-limit-thread.cjs'), { workerData: limits, execArgv: [], env: {} }).unref()
  beforeLoading(file, () => {
    const { t } = require('tap')
    follow(t, {
      goesOn () { Atomics.add(numbers, 0, 1) },
      runs () {
        const { written } = new TextEncoder().encodeInto(running(t), text)
        Atomics.store(numbers, 2, written)
      }
    })
  })
  setInterval(() => { Atomics.store(numbers, 1, performance.eventLoopUtilization().idle) }, STEP).unref()
}

/** Not at once: what measures the coverage must be there before tap is. */
function beforeLoading (file, work) {
  const load = Module._extensions['.ts']
  Module._extensions['.ts'] = (module, loaded) => {
    if (loaded === file) work()
    load(module, loaded)
  }
}

/** Tells of each assertion, and of each test that begins or ends, at every level. */
function follow (test, report) {
  test.on('assert', report.goesOn)
  test.on('subtestStart', child => {
    report.runs()
    follow(child, report)
  })
  test.on('subtestEnd', report.runs)
}

/** A name for each level; several tests of one level may run at once. */
function running (test) {
  const names = [...test.activeSubtests].filter(({ results }) => !results).map(running)
  return names.length === 0 ? test.name : `${test.name} > ${names.join(' | ')}`
}
