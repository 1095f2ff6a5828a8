/** Measures contenders side by side: each in a process of its own, in turn, a slice of time each. */
import { startComparable } from './comparable.mjs'
import { load } from './load.mjs'
import { median } from './statistics.mjs'
import { checkMeasured, counted, prepare } from './workloads.mjs'

/** Before a measurement nothing counts: as often as it takes for so many requests, but not more often than that. */
const WARM_REQUESTS = 30_000
const MOST_WARM_UPS = 8
/** Slices in a second. */
const SLICES = 4

/** `places` are the directories by kind, `ports` those of the servers, `seconds` is for how long each contender is measured. */
export class Measurement {
  #places
  #ports
  #seconds
  #slices

  constructor ({ places, ports, seconds }) {
    this.#places = places
    this.#ports = ports
    this.#seconds = seconds
    this.#slices = Math.max(1, Math.round(seconds * SLICES))
  }

  async start (contender) {
    return await startComparable(contender, { places: this.#places, ports: this.#ports })
  }

  /**
   * These contenders with one workload, in turn, again and again: what else the machine does changes from one second to
   * the next, and so hits all of them.
   */
  async measure (contenders, workload) {
    const sums = new Map()
    for (const contender of contenders) {
      if (workload.fresh === true) await this.#restart(contender)
      const cookies = await prepare(contender, workload, contender.server.port)
      await this.#warm(contender, workload, cookies)
      const before = await counted(contender, workload, contender.server.port, cookies)
      sums.set(contender, { cookies, before, requests: 0, failed: 0, seconds: 0, cpu: 0, p99: [] })
    }
    for (let slice = 0; slice < this.#slices; slice++) {
      for (const [contender, sum] of sums) await this.#measureSlice(contender, workload, sum)
    }
    for (const [contender, sum] of sums) await this.#keepResult(contender, workload, sum)
  }

  /** Threads of the compiler work as long for a process that gets little time: how much of that is measured must not depend on what else the machine does. */
  async #warm (contender, workload, cookies) {
    let requests = 0
    for (let count = 0; count < MOST_WARM_UPS && requests < WARM_REQUESTS; count++) {
      requests += (await this.#load(contender, workload, cookies, Math.min(this.#seconds, 1))).requests
    }
  }

  async #measureSlice (contender, workload, sum) {
    const before = await contender.server.ask('cpu')
    const measured = await this.#load(contender, workload, sum.cookies, this.#seconds / this.#slices)
    const after = await contender.server.ask('cpu')
    sum.cpu += after.user + after.system - before.user - before.system
    sum.requests += measured.requests
    sum.failed += measured.failed
    sum.seconds += measured.seconds
    sum.p99.push(measured.p99)
  }

  async #keepResult (contender, workload, { cookies, before, requests, failed, seconds, cpu, p99 }) {
    const after = await counted(contender, workload, contender.server.port, cookies)
    const kept = checkMeasured(contender, workload, { requests, failed, loads: this.#slices + 1 }, before, after)
    const { results } = contender
    if (!results.has(workload.name)) results.set(workload.name, { rate: [], cpu: [], busy: [], p99: [], kept: [] })
    const result = results.get(workload.name)
    result.rate.push(requests / seconds)
    result.cpu.push(cpu / requests)
    result.busy.push(cpu / 1e4 / seconds)
    result.p99.push(median(p99))
    if (kept !== null) result.kept.push(kept)
  }

  async #restart (contender) {
    // ext4 avoids the inodes of files that were just deleted, which makes it slow to make new ones:
    // no contender shall pay for the tidying up after another.
    await contender.server.stop({ leaveDir: contender.place === 'disk' })
    contender.server = await this.start(contender)
  }

  async #load ({ server }, { path }, cookies, seconds) {
    return await load({ port: server.port, path, scratch: this.#places.tmpfs.path, cookies, seconds })
  }
}
