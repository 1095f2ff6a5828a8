import { pathToFileURL } from 'node:url'
import t from 'tap'
import { Document, rowsOf } from './document'

const SENTENCE = /On a disk it reads (\S+) times and writes (\S+) times as many sessions per second as @fastify\/session with Redis,\nand (\S+) and (\S+) times as many as session-file-store/

interface Goal { what: string, most?: number }

t.test('the sentence in the README is that of the measurements', async t => {
  const page = new Document('docs/benchmarks.md')
  const table = firstTable(page, 'bench')
  const [, ...workloads] = (table.split('\n')[0] ?? '').split('|').slice(1, -1).map(cell => cell.trim())
  const rows = rowsOf(table)
  const rate = (contender: string, workload: string): number => {
    const [, ...rates] = rows.find(([label = '']) => label.startsWith(contender)) ?? []
    return Number(rates[workloads.indexOf(workload)]?.replaceAll(',', ''))
  }
  const times = (contender: string, workload: string): string => {
    const ratio = rate('fastify-file-sessions, ', workload) / rate(contender, workload)
    return ratio < 10 ? ratio.toFixed(1) : String(Math.round(ratio))
  }
  const contenders = ['@fastify/session, connect-redis', '@fastify/session, session-file-store']
  const expected = contenders.flatMap(contender => ['read', 'write'].map(workload => times(contender, workload)))
  t.strictSame(SENTENCE.exec(new Document('README.md').text)?.slice(1), expected)
})

t.test('the goals on the page are those of the benchmark', async t => {
  const { GOALS, limitOf } = await import(pathToFileURL('bench/goals.mjs').href) as { GOALS: Goal[], limitOf: (goal: Goal) => string }
  const rows = rowsOf(firstTable(new Document('docs/benchmarks.md'), 'goals'))
  t.strictSame(rows.map(([what, most]) => [what, most]), GOALS.map(goal => [goal.what, limitOf(goal)]))
})

/** Returns the first table of what the benchmark wrote between its marks. */
function firstTable ({ text }: Document, name: string): string {
  const [, section = ''] = text.split(`<!-- ${name}:start -->`)
  return /(?:^\|.*\n)+/m.exec(section)?.[0] ?? ''
}
