import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../support/built-package'
import { fileSessions } from '../support/command'
import { Document } from './document'

/** Its snippets are run by operations.long.ts. */
const page = new Document('docs/operations.md')

t.test('the table of commands is right', async t => {
  const commands = await help([])
  const rows = page.table('The `file-sessions` command')
  t.same(rows.map(([usage = '']) => /^`(\w+)/.exec(usage)?.[1]), [...commands.matchAll(/^ {2}(\w+) \[options\]/gm)].map(([, name]) => name))
  for (const [usage = ''] of rows) {
    const [name = '', ...parameters] = usage.replaceAll('`', '').split(' ')
    const options = await help([name])
    for (const [option] of parameters.join(' ').matchAll(/--[\w-]+/g)) t.match(options, ` ${option}`, `${name} ${option}`)
    for (const [parameter] of parameters.join(' ').matchAll(/<\w+>/g)) t.match(options.split('\n')[0], parameter)
  }
})

t.test('the table of channels is complete', async t => {
  const source = await readFile(join(root, 'lib/diagnostics.ts'), 'utf8')
  const channels = [...source.matchAll(/channelOf\('(\w+)'\)/g)].map(([, name]) => `fastify-file-sessions:${name}`)
  t.same(page.names('Events'), channels)
})

/** What the command says of itself. */
async function help (args: string[]): Promise<string> {
  return (await fileSessions([...args, '--help'])).out
}
