import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../support/built-package'
import { checkScripts, checkShell, checkSnippets, counts, Document } from './document'

const page = new Document('README.md')

checkSnippets(page, {
  async install (t, { text }) {
    await checkShell(text)
    const { name, peerDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    t.same(text.trim().split(' '), ['npm', 'install', ...Object.keys(peerDependencies), name])
  },

  'quick-start-esm': (t, { text }, cwd) => counts(t, 'app.mjs', text, cwd),

  async start (t, { text }) { await checkScripts(t, text) }
})

t.test('it says which Node it needs, as package.json does', async t => {
  const { engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const [, version = 'none'] = /needs Node (\S+) or newer/.exec(page.text) ?? []
  t.equal(engines.node, `>=${version}.0`)
})
