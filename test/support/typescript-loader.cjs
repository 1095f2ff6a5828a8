'use strict'
/**
 * Compiles TypeScript files when they are required, once for each content: the result is kept in
 * node_modules/.cache. A test process then need not load the compiler, which takes longer than most
 * tests. The output is the compiler's own, so coverage is mapped exactly.
 */
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const Module = require('node:module')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

const root = join(__dirname, '../..')
const cache = join(root, 'node_modules/.cache/typescript-loader')
const { compilerOptions } = JSON.parse(fs.readFileSync(join(root, 'tsconfig.json'), 'utf8'))
/** The map of the sources is in the output; the sources are not, for reading them at each start takes its time. */
const OUTPUT = { noEmit: false, inlineSourceMap: true }
const salt = JSON.stringify([compilerOptions, OUTPUT]) + fs.readFileSync(join(root, 'node_modules/typescript/package.json'), 'utf8')
// Hooks within the thread take less time to start. They do not go together with those that tap begins a thread for: see coverage-start.cjs.
const hasNoThread = Module.registerHooks !== undefined && process.execArgv.some(argument => argument.endsWith('coverage-start.cjs'))
if (hasNoThread) Module.registerHooks({ load: (url, context, next) => url.endsWith('.ts') ? { format: 'commonjs', source: null, shortCircuit: true } : next(url, context) })
else Module.register('./typescript-hooks.mjs', pathToFileURL(__filename))
fs.mkdirSync(cache, { recursive: true })

Module._extensions['.ts'] = (module, path) => { module._compile(javascriptOf(path), path) }

function javascriptOf (path) {
  const source = fs.readFileSync(path, 'utf8')
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
