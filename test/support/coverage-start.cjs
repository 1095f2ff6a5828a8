'use strict'
/**
 * Starts the measurement of coverage in the way that takes the least time. tap tells each process to import
 * a module that does so. That module also begins a thread for module hooks, which see the same files again:
 * together they take as long as a small test file. Here its own parts do the same without the thread.
 *
 * This is the last file that is required before the import, as what is loaded later is measured.
 */
const Module = require('node:module')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

const parts = join(__dirname, '../../node_modules/@tapjs/processinfo/dist')
const imported = pathToFileURL(join(parts, 'esm/import.mjs')).href

const isTold = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some(argument => argument.includes(`--import=${imported}`))

// Node 22.15 and newer. An older one imports the module as it is.
if (Module.registerHooks !== undefined && isTold) {
  require(join(parts, 'commonjs/get-process-info.js')).getProcessInfo()
  // The maps of packages are of no use here, and each is read and kept.
  Module.setSourceMapsSupport(true, { nodeModules: false, generatedCode: false })
  const hooks = Module.registerHooks({
    resolve: (specifier, context, next) => specifier === imported
      ? { url: 'data:text/javascript,', format: 'module', shortCircuit: true }
      : next(specifier, context)
  })
  const load = Module._extensions['.ts']
  Module._extensions['.ts'] = (module, path) => {
    // The import is over when the first file of TypeScript is loaded.
    hooks.deregister()
    Module._extensions['.ts'] = load
    load(module, path)
  }
}
