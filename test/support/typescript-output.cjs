'use strict'
/**
 * Compiles TypeScript files, once for each content: the result is kept in node_modules/.cache. A test
 * process then need not load the compiler, which takes longer than most tests. The output is the
 * compiler's own, so coverage is mapped exactly.
 *
 * `node test/support/typescript-output.cjs` compiles all files that tests use, with the compiler loaded once.
 */
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '../..')
const cache = join(root, 'node_modules/.cache/typescript-loader')
const { compilerOptions } = JSON.parse(fs.readFileSync(join(root, 'tsconfig.json'), 'utf8'))
/** The map of the sources is in the output; the sources are not, for reading them at each start takes its time. */
const OUTPUT = { noEmit: false, inlineSourceMap: true }
const salt = JSON.stringify([compilerOptions, OUTPUT]) + fs.readFileSync(join(root, 'node_modules/typescript/package.json'), 'utf8')
fs.mkdirSync(cache, { recursive: true })

/** Returns the JavaScript of a file. */
function javascriptOf (path) {
  return compiled(path, fs.readFileSync(path, 'utf8'))
}

/** Returns the JavaScript of a text that is, or might be, the file at this path. */
function compiled (path, source) {
  const cached = join(cache, `${createHash('sha256').update(salt).update(path).update(source).digest('hex')}.js`)
  try {
    return fs.readFileSync(cached, 'utf8')
  } catch {}
  const javascript = transpile(path, source)
  const temporary = `${cached}.${process.pid}`
  fs.writeFileSync(temporary, javascript)
  fs.renameSync(temporary, cached)
  return javascript
}

function transpile (fileName, source) {
  const ts = require('typescript')
  const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, root)
  return ts.transpileModule(source, { fileName, compilerOptions: { ...options, ...OUTPUT } }).outputText
}

function compileAll () {
  const isSource = name => name.endsWith('.ts') && !name.endsWith('.d.ts')
  const inFolders = ['lib', 'test'].flatMap(folder =>
    fs.readdirSync(join(root, folder), { recursive: true }).map(name => join(folder, name)))
  for (const name of [...fs.readdirSync(root), ...inFolders].filter(isSource)) javascriptOf(join(root, name))
}

module.exports = { compiled, javascriptOf }
if (require.main === module) compileAll()
