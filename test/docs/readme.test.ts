import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../support/built-package'
import { checkScripts, checkShell, checkSnippets, counts, Document, serve } from './document'

const page = new Document('README.md')

checkSnippets(page, {
  async install (t, { text }) {
    await checkShell(text)
    const { name, peerDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    t.same(text.trim().split(' '), ['npm', 'install', ...Object.keys(peerDependencies), name])
  },

  'quick-start-esm': (t, { text }, cwd) => counts(t, 'app.mjs', text, cwd),

  async login (t, { text }, cwd) {
    const client = await serve(t, cwd, text)
    t.equal((await client.post('/login', { name: 'eve' })).status, 401)
    t.match(await client.post('/login', { name: 'ada' }), { status: 200, text: 'hello ada\n' })
    const { cookie } = client
    t.strictSame((await client.get('/me')).json, { id: 7, name: 'ada' })
    await client.post('/login', { name: 'ada' })
    t.not(client.cookie, cookie, 'a new id')
    t.equal((await client.post('/logout')).text, 'bye\n')
    t.strictSame((await client.get('/me')).json, {})
  },

  async start (t, { text }) { await checkScripts(t, text) },

  async test (t, { text }) { await checkScripts(t, text) }
})

t.test('it says which Node it needs, as package.json does', async t => {
  const { engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const [, version = 'none'] = /needs Node (\S+) or newer/.exec(page.text) ?? []
  t.equal(engines.node, `>=${version}.0`)
})
