/**
 * A clock as test tools put it in place of Node's: `Date` stands still, `ahead` (milliseconds) of the kernel's, until
 * it is advanced. With `fakesTimers` so do `performance` and the timers, which then fire only by `advance`.
 */
export function fakeClock ({ ahead, fakesTimers }) {
  const RealDate = Date
  const start = RealDate.now() + ahead
  const real = { setTimeout, setInterval, clearTimeout, clearInterval, now: performance.now }
  const steadyStart = performance.now()
  const timers = new Map()
  let passed = 0
  let count = 0

  class FakeDate extends RealDate {
    constructor (...args) {
      super(...(args.length === 0 ? [start + passed] : args))
    }

    static now () { return start + passed }
  }

  function set (callback, delay = 0, every, args) {
    const id = ++count
    timers.set(id, { at: passed + Number(delay), every, call: () => callback(...args) })
    const timer = { id, ref: () => timer, unref: () => timer, hasRef: () => true, refresh: () => timer, [Symbol.toPrimitive]: () => id }
    return timer
  }

  globalThis.Date = FakeDate
  if (fakesTimers) {
    globalThis.setTimeout = (callback, delay, ...args) => set(callback, delay, undefined, args)
    globalThis.setInterval = (callback, delay, ...args) => set(callback, delay, delay, args)
    globalThis.clearTimeout = globalThis.clearInterval = timer => { timers.delete(timer?.id ?? timer) }
    performance.now = () => steadyStart + passed
  }

  return {
    advance (milliseconds) {
      passed += milliseconds
      for (const [id, timer] of timers) {
        if (timer.at > passed) continue
        if (timer.every === undefined) timers.delete(id)
        else timer.at = passed + Math.max(timer.every, 1)
        timer.call()
      }
    },
    restore () {
      globalThis.Date = RealDate
      const { now, ...functions } = real
      Object.assign(globalThis, functions)
      performance.now = now
    }
  }
}
