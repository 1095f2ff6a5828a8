/**
 * `npm run bench:profile`: where one contender's time goes in one workload. Prints the functions
 * with the most time of their own, and, where strace is installed, the system calls per request.
 */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startComparable } from './comparable.mjs'
import { contenders } from './contenders.mjs'
import { load } from './load.mjs'
import { DEFAULT_DISK, DEFAULT_TMPFS, makePlace } from './places.mjs'
import { isInstalled } from './processes.mjs'
import { servers, startServers } from './servers.mjs'
import { prepare, unfit, workloads } from './workloads.mjs'

const { values: options } = parseArgs({
  options: {
    contender: { type: 'string', default: 'ours-disk' },
    workload: { type: 'string', default: 'read' },
    seconds: { type: 'string', default: '4' },
    top: { type: 'string', default: '25' },
    dir: { type: 'string', default: DEFAULT_DISK },
    tmpfs: { type: 'string', default: DEFAULT_TMPFS }
  }
})

const contender = contenders.find(({ name }) => name === options.contender)
const workload = workloads.find(({ name }) => name === options.workload)
if (contender === undefined || workload === undefined || unfit(contender, workload) !== undefined) {
  console.error(`there is nothing to profile: ${options.contender} with ${options.workload}`)
  process.exit(1)
}
const places = { disk: makePlace(options.dir), tmpfs: makePlace(options.tmpfs) }
const scratch = places.tmpfs.path
const missing = servers[contender.needs]?.missing
if (missing !== undefined) {
  console.error(`${contender.name} cannot be profiled: ${missing}`)
  process.exit(1)
}
const { ports, stop } = await startServers([contender])

const profileDir = mkdtempSync(join(scratch, 'profile-'))
const perRequest = await loaded({ nodeOptions: ['--cpu-prof', '--cpu-prof-dir', profileDir, '--cpu-prof-interval', '200'] })
console.log(`${contender.name}, ${workload.name}: ${perRequest.cpu.toFixed(1)} µs of processor time per request, while profiled\n`)
printTop(join(profileDir, readdirSync(profileDir)[0]))

if (isInstalled('strace')) {
  const summary = join(scratch, 'strace')
  const { requests } = await loaded({ wrap: ['strace', '-f', '-c', '-U', 'name,calls,errors', '-o', summary] })
  printCalls(readFileSync(summary, 'utf8'), requests)
} else {
  console.log('strace is not installed: system calls are not counted')
}
await stop()
process.exit()

/** Runs the server under load, from start to end. */
async function loaded (how) {
  const server = await startComparable(contender, { places, ports, ...how })
  const cookies = await prepare(contender, workload, server.port)
  const request = { port: server.port, path: workload.path, cookies, scratch }
  const warmUp = await load({ ...request, seconds: 1 })
  const before = await server.ask('cpu')
  const { requests } = await load({ ...request, seconds: Number(options.seconds) })
  const after = await server.ask('cpu')
  await server.stop()
  return {
    requests: requests + warmUp.requests,
    cpu: (after.user + after.system - before.user - before.system) / requests
  }
}

/** Only the thread that runs JavaScript is in the profile; the thread pool is not. */
function printTop (file) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8'))
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map()
  let total = 0
  samples.forEach((id, index) => {
    const name = names.get(id)
    if (name === '(idle)') return
    total += timeDeltas[index]
    times.set(name, (times.get(name) ?? 0) + timeDeltas[index])
  })
  printPackages(times, total)
  const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, Number(options.top))
  console.log('| own time | function |\n| ---: | --- |')
  for (const [name, time] of sorted) console.log(`| ${(time / total * 100).toFixed(1)} % | ${name} |`)
  console.log()
}

/** The same by package; 'native' is what Node does below JavaScript, system calls above all. */
function printPackages (times, total) {
  const packages = new Map()
  for (const [name, time] of times) {
    const file = /\S+:\d+$/.exec(name)?.[0]
    const owner = file === undefined ? 'native' : /^(?:node:|@[^/]+\/[^/]+|[^/]+)/.exec(file)[0]
    packages.set(owner, (packages.get(owner) ?? 0) + time)
  }
  console.log('| own time | package |\n| ---: | --- |')
  for (const [owner, time] of [...packages].sort(([, a], [, b]) => b - a).slice(0, 10)) {
    console.log(`| ${(time / total * 100).toFixed(1)} % | ${owner} |`)
  }
  console.log()
}

function nameOf ({ functionName, url, lineNumber }) {
  const file = url.replace(/^.*\/node_modules\//, '').replace(/^.*\/(?=(?:dist|bench)\/)/, '').replace(/^file:\/\//, '')
  return `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`
}

/** Start and end of the process are in it, too: what is called less often than every hundredth request is left out. */
function printCalls (summary, requests) {
  console.log('| calls per request | failed | system call |\n| ---: | ---: | --- |')
  for (const line of summary.split('\n')) {
    const [name, calls, errors = '0'] = line.trim().split(/\s+/)
    const each = Number(calls) / requests
    if (each >= 0.01) console.log(`| ${each.toFixed(2)} | ${(Number(errors) / requests).toFixed(2)} | ${name} |`)
  }
}
