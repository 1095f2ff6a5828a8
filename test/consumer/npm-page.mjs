/**
 * Checks what the npm page shows: `repository`, `homepage` and `bugs` name one repository, and every link of a packed
 * page leads to a packed file. With `--publish` the owner of the repository must have been filled in.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize, resolve } from 'node:path'

/** Stands in package.json until the package is published. */
const PLACEHOLDER = 'OWNER'
const LINK = /\]\(([^)\s#]+)[^)]*\)/g

const root = resolve(import.meta.dirname, '../..')
const complaints = [...metadata(process.argv.includes('--publish')), ...deadLinks()]
for (const complaint of complaints) console.error(complaint)
if (complaints.length > 0) process.exitCode = 1
else console.log('the npm page is complete')

function * metadata (toBePublished) {
  const { name, repository, homepage, bugs } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [, url, owner] = /^git\+(https:\/\/github\.com\/([\w-]+)\/([\w-]+))\.git$/.exec(repository?.url) ?? []
  if (url === undefined) yield 'package.json: repository.url must be git+https://github.com/…/….git'
  if (homepage !== `${url}#readme`) yield `package.json: homepage must be ${url}#readme`
  if (bugs?.url !== `${url}/issues`) yield `package.json: bugs.url must be ${url}/issues`
  if (!url?.endsWith(`/${name}`)) yield `package.json: the repository is not called ${name}`
  if (toBePublished && owner === PLACEHOLDER) yield `package.json: put the owner of the repository in the place of ${PLACEHOLDER}`
}

function * deadLinks () {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' })
  const packed = new Set(JSON.parse(output)[0].files.map(({ path }) => path))
  for (const page of packed) {
    if (!page.endsWith('.md')) continue
    for (const [, target] of readFileSync(join(root, page), 'utf8').matchAll(LINK)) {
      if (/^\w+:/.test(target)) continue
      if (!packed.has(normalize(join(dirname(page), target)))) yield `${page}: the link to ${target} leads nowhere in the package`
    }
  }
}
