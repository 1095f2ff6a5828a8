/** What the benchmarks of many sessions watch while they work. */

/** Returns milliseconds, of a histogram of nanoseconds. */
export function spread (times) {
  const at = percentile => times.percentile(percentile) / 1e6
  return { median: at(50), p99: at(99), p999: at(99.9), max: times.max / 1e6 }
}

/** Looks at the memory of this process, which runs with --expose-gc, until it is stopped. */
export function watchMemory () {
  const most = { rss: 0, heap: 0 }
  const timer = setInterval(() => {
    const { rss, heapUsed } = process.memoryUsage()
    most.rss = Math.max(most.rss, rss)
    most.heap = Math.max(most.heap, heapUsed)
  }, 100)
  return {
    stop () {
      clearInterval(timer)
      globalThis.gc()
      return { most, heapLeft: process.memoryUsage().heapUsed }
    }
  }
}
