import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { pluginOptions } from '../../lib/plugin/options'
import { root } from '../support/built-package'
import { checkSnippets, COUNTER, Document, rowsOf, serve } from './document'

const page = new Document('docs/compliance.md')
const tables = page.text.split(/^## /m).slice(2).map(section => rowsOf(/(?:^\|.*\n)+/m.exec(section)?.[0] ?? ''))

checkSnippets(page, {
  async preset (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}\n${COUNTER}`, { registered: false })
    const { headers } = await client.get('/')
    t.match(headers.get('set-cookie'), /^__Host-sid=/)
    t.equal(headers.get('cache-control'), 'no-store')
  }
})

t.test('each row names a test that there is', async t => {
  for (const [requirement = '', , , test = ''] of tables.flat()) {
    const [, path = '', title = ''] = /^`(test\/[\w/.-]+)`: (.+)$/.exec(test) ?? []
    const source = path === '' ? '' : readFileSync(join(root, path), 'utf8')
    const titles = [`'${title.replaceAll("'", "\\'")}'`, `async ${title} (t`]
    t.ok(titles.some(each => source.includes(each)), `${requirement}: ${test}`)
  }
})

t.test('each section has its rows, and each requirement its level', async t => {
  t.equal(tables.length, 5)
  for (const [index, rows] of tables.entries()) {
    t.ok(rows.length >= 5)
    for (const [requirement = ''] of rows) t.match(requirement, index === 4 ? /^5\.\d/ : /^\d+\.\d+\.\d+ \(L[123]\) /)
  }
})

t.test('the table of the preset is right', async t => {
  const settled = pluginOptions({ preset: 'asvs-l2' })
  const all: Record<string, unknown> = { ...settled, ...settled.fileStore }
  const rows = page.table('The preset')
  t.equal(rows.length, 6)
  for (const [name = '', value = ''] of rows) {
    // eslint-disable-next-line no-new-func -- a literal of our own page
    t.same(new Function(`return (${value.replaceAll('`', '')})`)(), all[name.replaceAll('`', '')], name)
  }
})
