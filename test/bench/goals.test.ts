import { pathToFileURL } from 'node:url'
import t from 'tap'

interface Contender { name: string, results: Map<string, { cpu: number[] | undefined }> }
interface Goals {
  isNeeded: (contender: { name: string }, workload: { name: string }) => boolean
  compareGoals: (running: Contender[]) => { table: string, met: number, missed: number, unmeasured: number }
}

const load = async (): Promise<Goals> => await import(pathToFileURL('bench/goals.mjs').href) as Goals

function contender (name: string, cpu: Record<string, number[] | undefined>): Contender {
  return { name, results: new Map(Object.entries(cpu).map(([workload, values]) => [workload, { cpu: values }])) }
}

t.test('a comparison without a limit is shown, and neither met nor missed', async t => {
  const { compareGoals } = await load()
  const before = compareGoals([])
  const { table, ...counts } = compareGoals([contender('redis', { login: [10] }), contender('ours-disk', { login: [15] })])
  t.match(before.table, '| disk: login / connect-redis | none | – | – |')
  t.match(table, '| disk: login / connect-redis | none | 1.50 (1.50–1.50) | – |')
  t.equal(counts.met + counts.missed, 0)
})

t.test('a goal is met by the median of the rounds', async t => {
  const { compareGoals } = await load()
  const { table, ...counts } = compareGoals([
    contender('redis', { read: [10, 20, 30], write: [10, 10] }),
    contender('ours-redis', { read: [5, 10, 30], write: [9, 9] }),
    contender('pg-simple', { read: [10], write: undefined }),
    contender('ours-postgres', { read: [9], write: [9] })
  ])
  t.match(table, '| Redis: read / connect-redis | ≤ 0.6 | 0.50 (0.50–1.00) | yes |')
  t.match(table, '| Redis: write / connect-redis | ≤ 0.8 | 0.90 (0.90–0.90) | **no** |')
  t.match(table, '| PostgreSQL: write / connect-pg-simple | ≤ 1 | – | – |', 'what was not measured is not met')
  t.equal(counts.met, 2)
  t.equal(counts.missed, 1)
  t.ok(counts.unmeasured > 10)
})

t.test('the check measures what the goals need', async t => {
  const { isNeeded } = await load()
  t.ok(isNeeded({ name: 'ceiling' }, { name: 'read' }))
  t.notOk(isNeeded({ name: 'pg-simple' }, { name: 'login' }))
})
