import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'

const ROOT = join(__dirname, '../..')

/** A snippet in the page: where it is from, and its text. */
const SNIPPET = /<!-- (?<file>\S+)(?<regions>[^\n]*) -->\n(?:\n```\w+\n(?<text>.*?)```\n)?/gs

t.test('the snippets in docs/ecosystem.md are what the tests run', async t => {
  const page = await readFile(join(ROOT, 'docs/ecosystem.md'), 'utf8')
  const snippets = [...page.matchAll(SNIPPET)].map(match => match.groups as Record<'file' | 'regions' | 'text', string>)
  t.equal(snippets.length, page.split('\n```').length / 2 - 0.5, 'every snippet says where it is from')
  for (const { file, regions, text } of snippets) t.equal(text, await sourceOf(file, regions.trim()), `${file} ${regions}`)
})

/** The regions of a file, or all of it. */
async function sourceOf (file: string, regions: string): Promise<string> {
  const source = (await readFile(join(ROOT, file), 'utf8')).replaceAll(/'(\.\.\/)+index'/g, "'fastify-file-sessions'")
  if (regions === '') return source
  return regions.split(' ').map(region => regionOf(source, region)).join('\n')
}

function regionOf (source: string, region: string): string {
  const [, indent = '', text = ''] = new RegExp(`^( *)// #region ${region}\n(.*?)^ *// #endregion`, 'ms').exec(source) ?? []
  return text.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
}
