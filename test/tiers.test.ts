import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { root } from './support/built-package'

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
const { include } = parse(readFileSync(join(root, '.taprc'), 'utf8')) as { include: string[] }

/** The endings of the names of test files, and what runs them. */
const TIERS = { '.test.ts': 'npm test', '.long.ts': 'npm run test:long', '.far.ts': 'npm run protocol:far' }

const files = readdirSync(join(root, 'test'), { recursive: true }).map(path => `test/${String(path)}`)
/** A file that uses tap by itself, or that calls what declares tests, declares tests: helpers take the `Test` that they are given. */
const DECLARES = /^import t\b.* from 'tap'|^everyStart\(|^everySearch\(|^checkSnippets\(/m
/** Called by test files: they declare tests there. */
const CALLED = ['test/docs/document.ts', 'test/protocol/report.ts', 'test/protocol/search.ts']

t.test('every test file is in a tier', async t => {
  const declaring = files.filter(path => /\.[cm]?ts$/.test(path) && DECLARES.test(readFileSync(join(root, path), 'utf8')) && !CALLED.includes(path))
  t.ok(declaring.length > 200, `${declaring.length} test files`)
  t.strictSame(declaring.filter(path => !Object.keys(TIERS).some(ending => path.endsWith(ending))), [])
})

t.test('every tier is run', async t => {
  t.strictSame(include, ['test/**/*.test.ts'])
  t.match(scripts['test'], /tap build && tap$/, 'tap runs what .taprc includes')
  t.match(scripts['test:long'], ' "test/**/*.long.ts"')
  t.match(scripts['protocol:far'], ' "test/protocol/**/*.far.ts"')
  t.strictSame(files.filter(path => path.endsWith('.far.ts') && !path.startsWith('test/protocol/')), [])
  t.equal(scripts['test:all'], 'npm test && npm run test:long')
  t.match(readFileSync(join(root, '.ci/run'), 'utf8'), /^npm run test:all$/m)
})

t.test('no limit goes by the clock', async t => {
  t.match(readFileSync(join(root, '.taprc'), 'utf8'), /^timeout: 0$/m)
  const limited = files.filter(path => path.endsWith('.ts') && /^\s*t\.setTimeout\(/m.test(readFileSync(join(root, path), 'utf8')))
  t.strictSame(limited, [], 'a file is ended when it does not go on: see work-limit.cjs')
})
