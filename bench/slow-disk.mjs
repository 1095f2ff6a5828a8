/**
 * Makes each write of a process wait, in the first tenth of every second, until that is over, as a disk
 * does that stalls. It stands in for a slow device: a write at once holds the thread that makes it.
 */
import fs from 'node:fs'
import { setTimeout as pause } from 'node:timers'

const SECOND = 1000
const STALL = 100
const { write, writeSync } = fs
const cell = new Int32Array(new SharedArrayBuffer(4))
const left = () => Math.max(STALL - Date.now() % SECOND, 0)

fs.writeSync = (...parameters) => {
  const wait = left()
  if (wait > 0) Atomics.wait(cell, 0, 0, wait)
  return writeSync(...parameters)
}

fs.write = (...parameters) => {
  const wait = left()
  if (wait > 0) pause(() => { write(...parameters) }, wait)
  else write(...parameters)
}
