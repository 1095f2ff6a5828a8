/**
 * `npm run bench`: this package beside everything that a user would pick instead. Each contender
 * runs in a process of its own on one core, the load comes from another; they are measured in
 * turn, in slices of a quarter of a second and several rounds with fresh processes, so that what else the machine does hits all of them.
 */
import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { contenders } from './contenders.mjs'
import { compareGoals, isNeeded } from './goals.mjs'
import { loadTool } from './load.mjs'
import { Measurement } from './measure.mjs'
import { onOtherNode } from './other-node.mjs'
import { DEFAULT_DISK, DEFAULT_TMPFS, makePlace, warningOf } from './places.mjs'
import { CHART_WORKLOADS, keptTable, resultTable, updateGoals, updatePages, writeChart } from './report.mjs'
import { servers, startServers } from './servers.mjs'
import { unfit, verify, workloads } from './workloads.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
    workloads: { type: 'string' },
    dir: { type: 'string', default: DEFAULT_DISK },
    tmpfs: { type: 'string', default: DEFAULT_TMPFS },
    'other-node': { type: 'string' },
    check: { type: 'boolean', default: false },
    'update-readme': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

if (options.help) {
  console.log(`npm run bench -- [options]
  --rounds N          how often each is measured (5)
  --seconds N         how long (3)
  --only A,B          contenders: ${contenders.map(({ name }) => name).join(', ')}
  --workloads A,B     workloads: ${workloads.map(({ name }) => name).join(', ')}
  --dir PATH          a directory on a disk (node_modules/.cache/bench)
  --tmpfs PATH        a directory in memory (/dev/shm)
  --other-node PATH   measure some of them on another Node, too
  --check             measure what the goals need, compare, and end with 1 if one is missed; without --only and
                      --workloads also those for a million sessions, which takes some minutes
  --update-readme     measure what the pages show: reads and writes of all contenders, and what the goals need. Put tables, chart
                      and goals into README.md, docs/benchmarks.md and docs/bench.svg; with --check: the goals alone`)
  process.exit()
}

if (options['update-readme'] && !options.check && (options.only ?? options.workloads) !== undefined) {
  fail('--update-readme needs all contenders and workloads: leave out --only and --workloads')
}
const rounds = wholeNumber('rounds')
const seconds = Number(options.seconds)
if (!(seconds > 0)) fail('--seconds must be a number above 0')
/**
 * So many take turns. A process that waits for long between two slices is slow in the next one, as if it had just begun: with 27
 * that took turns, a request to connect-redis cost twice as much as with 5, and a change to a session of 10 KB up to six times as much.
 */
const LARGEST_GROUP = 5
const chosenWorkloads = chosen(workloads, options.workloads, 'workloads')
const places = { disk: makePlace(options.dir), tmpfs: makePlace(options.tmpfs) }
const warning = warningOf(places.disk, options.dir)
if (warning !== null) console.log(warning)

const running = [...chosen(contenders, options.only, 'only'), ...onOtherNode(contenders, options['other-node'])]
  .filter(contender => chosenWorkloads.some(workload => takesPart(contender, workload)))
  .filter(canRun)
  .map(contender => ({ ...contender, label: labelOf(contender), server: null, results: new Map() }))
if (running.length === 0) fail('there is nothing to measure')
const { ports, stop } = await startServers(running)
const measurement = new Measurement({ places, ports, seconds })

console.log(`${rounds} rounds of ${seconds} s, load by ${loadTool}, Node ${process.version}, ${cpus()[0].model}, ${places.disk.filesystem} and ${places.tmpfs.filesystem}\n`)
for (let round = 0; round < rounds; round++) {
  for (const group of groupsOf(running)) {
    // Anew in each round: how fast a process gets depends on its luck with memory and compiler.
    for (const contender of group) contender.server = await measurement.start(contender)
    if (round === 0) for (const contender of group) await verify(contender, contender.server.port)
    for (const workload of chosenWorkloads) await measureGroup(group, workload, round)
    for (const { server } of group) await server.stop()
  }
}
await stop()

const names = chosenWorkloads.map(({ name }) => name).filter(name => running.some(({ results }) => results.has(name)))
console.log('\nProcessor time of the app\'s process per request, user and system, µs: median (least–most)\n\n' + resultTable(running, names, 'cpu'))
console.log('Requests per second\n\n' + resultTable(running, names, 'rate'))
console.log('99 of 100 requests are answered within, ms\n\n' + resultTable(running, names, 'p99'))
console.log('Share of one core that the server used: a low one means waiting, for the disk, for a database or for the load (or a busy machine)\n\n' +
  resultTable(running, names, 'busy'))
console.log(keptTable(running, names))
const goals = compareGoals(running)
console.log(`The goals: the ratio of each round, median (least–most)\n\n${goals.table}`)
console.log(`${goals.met} met, ${goals.missed} missed, ${goals.unmeasured} not measured`)
if (options.check) {
  if (options['update-readme']) updateGoals(goals.table, { rounds, seconds })
  process.exit(goals.missed > 0 || goals.met === 0 || !manySessions() ? 1 : 0)
}
if (options['update-readme']) {
  writeChart(running)
  updatePages(running, names, { rounds, seconds, loadTool })
  updateGoals(goals.table, { rounds, seconds })
  console.log('README.md, docs/benchmarks.md and docs/bench.svg are updated')
}
process.exit()

/** Whether the goals for a million sessions are met. A part of the contenders or workloads is checked without them. */
function manySessions () {
  if ((options.only ?? options.workloads) !== undefined) return true
  const script = fileURLToPath(new URL('scale.mjs', import.meta.url))
  return spawnSync(process.execPath, [script, '--check', '--directory', places.disk.path], { stdio: 'inherit' }).status === 0
}

/** Contenders that are measured side by side, in the order of the list. */
function groupsOf (contenders) {
  const count = Math.ceil(contenders.length / LARGEST_GROUP)
  return Array.from({ length: count }, (_, group) => contenders.slice(group * LARGEST_GROUP, (group + 1) * LARGEST_GROUP))
}

/** A group with one workload. A different contender begins each round. */
async function measureGroup (group, workload, round) {
  const taking = group.filter(contender => takesPart(contender, workload))
  if (taking.length === 0) return
  await measurement.measure(taking.map((_, turn) => taking[(turn + round) % taking.length]), workload)
  console.log(`round ${round + 1}, ${workload.name}: ` + taking.map(contender =>
    `${contender.name} ${Math.round(contender.results.get(workload.name).rate[round])}`).join(', '))
}

function takesPart (contender, workload) {
  return unfit(contender, workload) === undefined && (isNeeded(contender, workload) || isWanted(workload))
}

function isWanted ({ name }) {
  if (options.check) return false
  return !options['update-readme'] || CHART_WORKLOADS.includes(name)
}

function canRun ({ name, needs }) {
  const missing = servers[needs]?.missing
  if (missing !== undefined) console.log(`${name} is left out: ${missing}`)
  return missing === undefined
}

function labelOf ({ label, place }) {
  return place === undefined ? label : `${label}, ${places[place].filesystem}`
}

function chosen (all, list, option) {
  if (list === undefined) return all
  return list.split(',').map(name => {
    const found = all.find(one => one.name === name)
    if (found === undefined) fail(`--${option}: there is no ${name}; there are ${all.map(({ name }) => name).join(', ')}`)
    return found
  })
}

function wholeNumber (option) {
  const value = Number(options[option])
  if (!Number.isInteger(value) || value < 1) fail(`--${option} must be a whole number above 0`)
  return value
}

function fail (message) {
  console.error(message)
  process.exit(1)
}
