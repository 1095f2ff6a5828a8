/** What was measured, for people: tables in markdown, the chart, the README's section. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chart } from './chart.mjs'
import { spread } from './statistics.mjs'
import { unfit, workloads } from './workloads.mjs'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const CHART = fileURLToPath(new URL('../docs/bench.svg', import.meta.url))
const START = '<!-- bench:start -->'
const END = '<!-- bench:end -->'
const CHART_WORKLOADS = ['read', 'write']

/** `figure`: 'rate', 'cpu' or 'busy'. A dash where a contender has no part. */
export function resultTable (running, names, figure, withSpread = true) {
  const rows = running.map(({ label, results }) => `| ${label} | ` + names.map(name => {
    const values = results.get(name)?.[figure]
    if (values === undefined) return '–'
    const { median, min, max } = spread(values)
    return withSpread ? `${whole(median)} (${whole(min)}–${whole(max)})` : whole(median)
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

/** Draws docs/bench.svg if there is enough to draw; answers what became of it. */
export function writeChart (running) {
  if (!CHART_WORKLOADS.every(name => running.some(({ results }) => results.has(name)))) return 'not drawn, needs the workloads read and write'
  const panels = CHART_WORKLOADS.map(name => ({
    title: workloadTitle(name),
    bars: running.filter(({ results }) => results.has(name))
      .map(({ name: contender, label, results }) => ({
        label, isOurs: contender.startsWith('ours'), isCeiling: contender === 'ceiling', ...spread(results.get(name).rate)
      }))
      .sort((a, b) => b.isCeiling - a.isCeiling || b.median - a.median)
  }))
  mkdirSync(dirname(CHART), { recursive: true })
  writeFileSync(CHART, chart(panels))
  return 'docs/bench.svg'
}

/** Puts table and chart between the README's markers; answers what became of it. */
export function updateReadme (running, names, { rounds, seconds, loadTool }) {
  let text
  try {
    text = readFileSync(README, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return 'There is no README.md: nothing is updated'
  }
  const start = text.indexOf(START)
  const end = text.indexOf(END)
  if (start === -1 || end < start) return `README.md has no ${START} … ${END}: nothing is updated`
  const missing = running.length === 0 ? '' : footnotes(running, names)
  const section = `
![Requests per second, reading and writing sessions](docs/bench.svg)

Requests per second, the median of ${rounds} rounds of ${seconds} s: Node ${process.version} on one core (${cpus()[0].model.trim()}),
load by ${loadTool} from another, 64 sessions of about 100 bytes, 32 connections, no rolling cookies.

${resultTable(running, names, 'rate', false)}
${missing}
Measure it yourself: \`npm run bench\`.
`
  writeFileSync(README, text.slice(0, start + START.length) + '\n' + section.trim() + '\n' + text.slice(end))
  return 'README.md is updated'
}

function footnotes (running, names) {
  const notes = new Set()
  for (const contender of running) {
    for (const name of names) {
      const why = unfit(contender, workloads.find(workload => workload.name === name))
      if (why !== undefined && why !== 'has no sessions') notes.add(`${contender.keeps === 'cookie' ? 'in a cookie' : 'the others'}: ${why}`)
    }
  }
  return [
    'session-file-store syncs the disk with every save, which `durability: \'fsync\'` does, too. Redis runs on the load\'s core',
    'and saves nothing to the disk. express-session writes the file anew with every read to note the last access.',
    notes.size === 0 ? '' : `A dash: ${[...notes].join('; ')}.`
  ].join('\n').trim() + '\n'
}

function workloadTitle (name) {
  return { read: 'Read: the session is loaded, one value is looked at', write: 'Write: every request changes the session' }[name]
}

function whole (number) {
  return Math.round(number).toLocaleString('en-US')
}
