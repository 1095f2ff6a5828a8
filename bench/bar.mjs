/** How good is good: what this package promises to reach, as ratios of one run. */
import { median, ratio } from './statistics.mjs'

/** Who in what workload, beside whom or beside which other workload of the same, and the least ratio. */
const BAR = ['disk', 'tmpfs'].flatMap(place => [
  { who: `ours-${place}`, workload: 'read', beside: 'ceiling', target: 0.65 },
  { who: `ours-${place}`, workload: 'write', beside: 'ceiling', target: 0.40 },
  { who: `ours-${place}`, workload: 'anonymous', beside: 'ceiling', target: 0.97 },
  { who: `ours-${place}`, workload: 'read', beside: 'memory', target: 1 },
  { who: `ours-${place}`, workload: 'write', beside: 'memory', target: 1 },
  { who: `ours-${place}`, workload: 'read', beside: 'redis', target: 1 },
  { who: `ours-${place}`, workload: 'write', beside: 'redis', target: 1 },
  { who: `ours-${place}`, workload: 'read', beside: `file-store-${place}`, target: 3.5 },
  { who: `ours-${place}`, workload: 'write', beside: `file-store-${place}`, target: 6 },
  // Ten times the size may take ten times as long, and no longer.
  { who: `ours-${place}`, workload: 'read-100k', besideWorkload: 'read-10k', target: 0.1 },
  { who: `ours-${place}`, workload: 'write-100k', besideWorkload: 'write-10k', target: 0.1 }
])

/** The targets beside what was measured, as markdown. What was not measured is left out. */
export function barTable (running) {
  const rows = BAR.map(row => measuredRow(running, row)).filter(row => row !== null)
  if (rows.length === 0) return ''
  return 'The bar (the ratio of each round, median, least–most; by cpu: the same by processor time per request; ' +
    'core: how much of it the two servers used. Where that is little, something else set the pace)\n\n' +
    '| what | target | measured | by cpu | core | met |\n| --- | ---: | ---: | ---: | ---: | --- |\n' + rows.join('\n') + '\n'
}

function measuredRow (running, { who, workload, beside = who, besideWorkload = workload, target }) {
  const mine = running.find(({ name }) => name === who)
  const other = running.find(({ name }) => name === beside)
  const result = mine?.results.get(workload)
  const otherResult = other?.results.get(besideWorkload)
  if (result === undefined || otherResult === undefined) return null
  const measured = ratio(result.rate, otherResult.rate)
  const byCpu = ratio(otherResult.cpu, result.cpu)
  const what = beside === who
    ? `${mine.label}: ${workload} / ${besideWorkload}`
    : `${mine.label}: ${workload} / ${other.label}`
  return `| ${what} | ≥ ${target} | ${digits(measured.median)} (${digits(measured.min)}–${digits(measured.max)}) | ` +
    `${digits(byCpu.median)} | ${percent(result.busy)}, ${percent(otherResult.busy)} | ${measured.median >= target ? 'yes' : '**no**'} |`
}

function percent (shares) {
  return `${median(shares).toFixed(0)} %`
}

function digits (number) {
  return number >= 100 ? number.toFixed(0) : number >= 10 ? number.toFixed(1) : number.toFixed(2)
}
