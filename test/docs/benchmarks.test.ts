import { pathToFileURL } from 'node:url'
import t from 'tap'
import { Document, rowsOf } from './document'

const SENTENCE = /With files, a request that reads a session takes (\d+) % of .* @fastify\/session and\nRedis, one that writes (\d+) %\. With the sessions in the same Redis it is (\d+) % and (\d+) % \(/

interface Goal { what: string, most?: number }

t.test('the sentence in the README is that of the measurements', async t => {
  const page = new Document('docs/benchmarks.md')
  const table = firstTable(page, 'bench')
  const [, ...workloads] = (table.split('\n')[0] ?? '').split('|').slice(1, -1).map(cell => cell.trim())
  const rows = rowsOf(table)
  const cost = (contender: string, workload: string): number => {
    const [, ...costs] = rows.find(([label = '']) => label.startsWith(contender)) ?? []
    return Number.parseFloat(costs[workloads.indexOf(workload)] ?? '')
  }
  const share = (contender: string, workload: string): string =>
    String(Math.round(cost(contender, workload) / cost('@fastify/session, connect-redis', workload) * 100))
  const expected = ['fastify-file-sessions, ', 'fastify-file-sessions, Redis (redis)'].flatMap(ours => ['read', 'write'].map(workload => share(ours, workload)))
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
