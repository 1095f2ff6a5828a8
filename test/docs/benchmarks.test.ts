import t from 'tap'
import { Document, rowsOf } from './document'

t.test('the sentence in the README is that of the measurements', async t => {
  // @ts-expect-error -- it has no declarations
  const { ratioSentence } = await import('../../bench/report.mjs') as { ratioSentence: (rows: Map<string, Record<string, number>>) => string }
  const page = new Document('docs/benchmarks.md')
  const [table = ''] = /(?:^\|.*\n)+/m.exec(page.text) ?? []
  const [, ...workloads] = (table.split('\n')[0] ?? '').split('|').slice(1, -1).map(cell => cell.trim())
  const rows = new Map(rowsOf(table).map(([label = '', ...rates]) =>
    [label, Object.fromEntries(rates.map((rate, index) => [workloads[index], Number(rate.replaceAll(',', ''))]))]))
  t.match(new Document('README.md').text, `<!-- bench:start -->\n${ratioSentence(rows)}\n<!-- bench:end -->`)
})
