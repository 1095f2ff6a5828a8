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
