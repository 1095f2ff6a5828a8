import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../support/built-package'

/** Pages with snippets, and the test that runs these. */
const TESTED: Record<string, string> = {
  'README.md': 'test/docs/readme.test.ts',
  'docs/guide.md': 'test/docs/guide.long.ts',
  'docs/api.md': 'test/docs/api.long.ts',
  'docs/recipes.md': 'test/docs/recipes.long.ts',
  'docs/several-machines.md': 'test/docs/several-machines.long.ts',
  'docs/where-to-keep-sessions.md': 'test/docs/where-to-keep-sessions.test.ts',
  'docs/operations.md': 'test/docs/operations.long.ts',
  'docs/stores.md': 'test/docs/stores.long.ts',
  'docs/compliance.md': 'test/docs/compliance.test.ts',
  'docs/ecosystem.md': 'test/docs/ecosystem.test.ts',
  'docs/migrate-from-express-session.md': 'test/docs/migration.long.ts',
  'docs/migrate-from-fastify-session.md': 'test/docs/migration.long.ts',
  'docs/migrate-from-secure-session.md': 'test/docs/migration.long.ts'
}

let pages: string[]
const texts = new Map<string, string>()

t.before(async () => {
  pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md',
    ...(await readdir(join(root, 'docs'))).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]
  for (const page of pages) texts.set(page, await readFile(join(root, page), 'utf8'))
})

t.test('every page with a snippet has a test that runs it', async t => {
  t.same([...texts].filter(([, text]) => text.includes('\n```')).map(([page]) => page).sort(), Object.keys(TESTED).sort())
  for (const test of Object.values(TESTED)) await t.resolves(stat(join(root, test)))
})

t.test('links lead somewhere', async t => {
  for (const [page, text] of texts) {
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (target.startsWith('https://')) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? join(root, page) : join(root, page, '..', path)
      await t.resolves(stat(file), `${page}: ${target}`)
      if (anchor === undefined) continue
      t.ok(headings(await readFile(file, 'utf8')).includes(anchor), `${page}: ${target}`)
    }
  }
})

t.test('every page can be reached from the README', async t => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    for (const [, path = ''] of (texts.get(page) ?? '').matchAll(/\]\(([^)\s#]+\.md)/g)) reached.add(join(page, '..', path))
  }
  t.same([...reached].sort(), [...pages].sort())
})

t.test('a list of contents has every heading of its page', async t => {
  for (const [page, text] of texts) {
    const contents = [...text.matchAll(/^- \[.*?\]\(#(.*)\)$/gm)].map(([, anchor]) => anchor)
    if (contents.length > 0) t.same(contents, headings(text, '##'), page)
  }
})

t.test('every npm command is a script of ours', async t => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  for (const [page, text] of texts) {
    for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g)) t.type(scripts[script], 'string', `${page}: ${script}`)
  }
})

t.test('no page makes npx fetch a package of our command\'s name', async t => {
  for (const [page, text] of texts) t.notMatch(text, /npx file-sessions/, page)
})

/** The anchors of a page, as GitHub makes them. */
function headings (text: string, level = '##?#?'): string[] {
  return [...text.replaceAll(/^```.*?^```/gms, '').matchAll(new RegExp(`^${level} (.*)$`, 'gm'))].map(([, heading = '']) =>
    heading.toLowerCase().replace(/[^\w\s-]/g, '').replaceAll(' ', '-'))
}
