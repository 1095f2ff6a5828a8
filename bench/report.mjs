/** What was measured, for people: tables in markdown, the chart, the sections of docs/benchmarks.md and README.md. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chart } from './chart.mjs'
import { spread } from './statistics.mjs'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url))
const CHART = fileURLToPath(new URL('../docs/bench.svg', import.meta.url))
/** What the chart shows, and what is measured of all contenders for it. */
export const CHART_WORKLOADS = ['read', 'write']

/** `figure`: 'rate', 'cpu', 'busy' or 'p99'. A dash where a contender has no part. */
export function resultTable (running, names, figure, withSpread = true) {
  const rows = running.map(({ label, results }) => `| ${label} | ` + names.map(name => {
    const values = results.get(name)?.[figure]
    if (values === undefined) return '–'
    const { median, min, max } = spread(values)
    return withSpread ? `${short(median)} (${short(min)}–${short(max)})` : short(median)
  }).join(' | ') + ' |')
  return `| | ${names.join(' | ')} |\n| --- |${' ---: |'.repeat(names.length)}\n${rows.join('\n')}\n`
}

/** How many updates of one session were still there, when all connections wrote to it. */
export function keptTable (running, names) {
  const hot = names.filter(name => name.startsWith('hot'))
  const rows = running.flatMap(({ label, results }) => {
    const shares = hot.map(name => results.get(name)?.kept ?? [])
    if (shares.every(share => share.length === 0)) return []
    return [`| ${label} | ${shares.map(share => share.length === 0 ? '–' : `${(spread(share).median * 100).toFixed(1)} %`).join(' | ')} |`]
  })
  if (rows.length === 0) return ''
  return 'Updates of one counter kept, when all connections add to it at once (hot: n++; hot-update: session.update)\n\n' +
    `| | ${hot.join(' | ')} |\n| --- |${' ---: |'.repeat(hot.length)}\n${rows.join('\n')}\n`
}

/** Draws docs/bench.svg. */
export function writeChart (running) {
  const panels = CHART_WORKLOADS.map(name => ({
    title: workloadTitle(name),
    bars: running.filter(({ results }) => results.has(name))
      .map(({ name: contender, label, results }) => ({
        label, isOurs: contender.startsWith('ours'), isCeiling: contender === 'ceiling', ...spread(results.get(name).cpu)
      }))
      .sort((a, b) => b.isCeiling - a.isCeiling || a.median - b.median)
  }))
  mkdirSync(dirname(CHART), { recursive: true })
  writeFileSync(CHART, chart(panels))
}

/** Puts the table and the chart into docs/benchmarks.md, and the sentence of a few ratios into README.md. */
export function updatePages (running, names, { rounds, seconds, loadTool }) {
  const rows = new Map(running.map(({ label, results }) =>
    [label, Object.fromEntries([...results].map(([name, { cpu }]) => [name, shown(spread(cpu).median)]))]))
  replaceSection(PAGE, 'bench', `
![Processor time per request, reading and writing sessions](bench.svg)

Processor time of the app's process per request, user and system, in µs: the median (least–most) of ${rounds} rounds of ${seconds} s with fresh
processes each. Node ${process.version} on one core (${cpus()[0].model.trim()}), load by ${loadTool} from another, 64 sessions of about 100 bytes, 32 connections,
no rolling cookies.

${resultTable(running, names, 'cpu')}
Requests per second, median:

${resultTable(running, names, 'rate', false)}
99 of 100 requests are answered within, in ms:

${resultTable(running, names, 'p99', false)}
${FOOTNOTES}

Measure it yourself: \`npm run bench\`.
`)
  replaceSection(README, 'bench', ratioSentence(rows))
}

/** Puts the goals beside what was measured into docs/benchmarks.md. */
export function updateGoals (table, { rounds, seconds }) {
  replaceSection(PAGE, 'goals', `${table}
The median (least–most) of ${rounds} rounds of ${seconds} s: Node ${process.version} on one core (${cpus()[0].model.trim()}). A dash: not measured.`)
}

/**
 * Returns the README's sentence. `rows` has the processor time of a request by label of the contender, then
 * by name of the workload. The first row that is ours is the one on the disk.
 */
export function ratioSentence (rows) {
  const starting = start => [...rows].find(([label]) => label.startsWith(start))?.[1]
  const beside = (start, name) => `${Math.round(starting(start)[name] / starting('@fastify/session, connect-redis')[name] * 100)} %`
  const [disk, redis] = ['fastify-file-sessions, ', 'fastify-file-sessions, Redis (redis)']
  return `With files, a request that reads a session takes ${beside(disk, 'read')} of the server's processor time that it takes with @fastify/session and
Redis, one that writes ${beside(disk, 'write')}. With the sessions in the same Redis it is ${beside(redis, 'read')} and ${beside(redis, 'write')} ([all measurements](docs/benchmarks.md)).`
}

function replaceSection (path, name, section) {
  const [startMark, endMark] = ['start', 'end'].map(where => `<!-- ${name}:${where} -->`)
  const text = readFileSync(path, 'utf8')
  const start = text.indexOf(startMark)
  const end = text.indexOf(endMark)
  if (start === -1 || end < start) throw new Error(`${path} has no ${startMark} … ${endMark}`)
  writeFileSync(path, `${text.slice(0, start + startMark.length)}\n${section.trim()}\n${text.slice(end)}`)
}

const FOOTNOTES = `session-file-store syncs the disk with every save, which \`durability: 'fsync'\` does, too. Redis and PostgreSQL
run on the load's core and save nothing to the disk (PostgreSQL: \`fsync=off\`). express-session writes the file anew with every read to note the last access.
@fastify/session, @mgcrea/fastify-session and express-session always sign their cookies; here that is an option, measured
in a line of its own. A dash: not measured. Large sessions and logins are compared where a goal needs it.`

function workloadTitle (name) {
  return { read: 'Read: the session is loaded, one value is looked at', write: 'Write: every request changes the session' }[name]
}

/** What a reader of the table reckons with. */
function shown (number) {
  return Number(short(number).replaceAll(',', ''))
}

function short (number) {
  return number < 10 ? number.toFixed(2) : number < 100 ? number.toFixed(1) : Math.round(number).toLocaleString('en-US')
}
