'use strict'
/**
 * tap follows every promise, to know in which test an error was thrown that nothing catches. In a test file
 * that awaits much this takes up to half of the time. Here the error is that of the test that runs; of
 * several that run at once, that of the last.
 */
const Module = require('node:module')
const { createRequire } = Module

const path = createRequire(createRequire(__filename).resolve('@tapjs/core')).resolve('async-hook-domain')

/** As that of async-hook-domain: what tap makes for each test, and destroys when the test is over. */
class Domain {
  static #all = new Set()

  constructor (onerror) {
    this.onerror = onerror
    if (Domain.#all.size === 0) process.on('uncaughtException', report)
    Domain.#all.add(this)
  }

  destroy () {
    Domain.#all.delete(this)
    if (Domain.#all.size === 0) process.removeListener('uncaughtException', report)
  }
}

function report (error, origin) {
  // A test that listens itself expects the error.
  if (process.listenerCount('uncaughtException') > 1) return
  running(require('tap').t).hookDomain.onerror(error, origin)
}

function running (test) {
  const child = [...test.activeSubtests].filter(({ results }) => !results).at(-1)
  return child === undefined ? test : running(child)
}

const loaded = new Module(path)
Object.assign(loaded, { filename: path, loaded: true, exports: { Domain } })
require.cache[path] = loaded
