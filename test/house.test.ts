import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { root } from './support/built-package'

const modules = readdirSync(join(root, 'lib'), { recursive: true }).map(name => join(root, 'lib', String(name))).filter(path => path.endsWith('.ts'))

/** Whether a module does anything: one with types, names and numbers alone has nothing to test. */
function hasCode (path: string): boolean {
  const find = (node: ts.Node): boolean => (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) || ts.forEachChild(node, find) === true
  return find(ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest))
}

t.test('every module with code has a test file of its own', async t => {
  t.ok(modules.length > 100, `${modules.length} modules`)
  const untested = modules.filter(path => !existsSync(join(root, 'test', relative(join(root, 'lib'), path).replace(/\.ts$/, '.test.ts'))))
  t.strictSame(untested.filter(hasCode).map(path => relative(root, path)), [])
  t.ok(untested.length > 0 && untested.length < modules.length / 10, `${untested.length} have none, for they have no code`)
})

/** The modules of `lib` that a module imports, its types included, or exports things of. */
function importsOf (path: string): string[] {
  return ts.preProcessFile(readFileSync(path, 'utf8')).importedFiles
    .map(({ fileName }) => join(path, '..', `${fileName}.ts`)).filter(imported => modules.includes(imported))
}

/** Returns a way from a module back to itself; null: there is none. */
function circle (path: string, way: string[] = [], seen = new Set<string>()): string[] | null {
  if (way.includes(path)) return way.slice(way.indexOf(path))
  if (seen.has(path)) return null
  seen.add(path)
  for (const imported of importsOf(path)) {
    const found = circle(imported, [...way, path], seen)
    if (found !== null) return found
  }
  return null
}

t.test('data flows one way: no module imports itself by way of others, not even for a type', async t => {
  const seen = new Set<string>()
  t.strictSame(modules.map(path => circle(path, [], seen)?.map(path => relative(root, path)) ?? null).filter(way => way !== null), [])
  t.equal(seen.size, modules.length)
})

t.test('code is told from types, names and numbers', async t => {
  const directory = t.testdir({
    'types.ts': 'export interface A { method (): void, work: () => void }\nexport type B = (a: A) => void\nexport { C } from "./c"',
    'names.ts': 'const A = 1\nexport const NAME = A + "a", PATTERN = /a/, LIST = ["a", A]',
    'function.ts': 'export function a () {}',
    'arrow.ts': 'export const a = () => 1',
    'method.ts': 'export const a = { b () { return 1 } }',
    'class.ts': 'export class A { get b () { return 1 } }'
  })
  t.strictSame(readdirSync(directory).filter(name => hasCode(join(directory, name))).sort(), ['arrow.ts', 'class.ts', 'function.ts', 'method.ts'])
})
