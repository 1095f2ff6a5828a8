'use strict'
/** Has TypeScript files compiled when they are required: see typescript-output.cjs. */
const Module = require('node:module')
const { pathToFileURL } = require('node:url')
const { javascriptOf } = require('./typescript-output.cjs')

// Hooks within the thread take less time to start. They do not go together with those that tap begins a thread for: see coverage-start.cjs.
const hasNoThread = Module.registerHooks !== undefined && process.execArgv.some(argument => argument.endsWith('coverage-start.cjs'))
if (hasNoThread) Module.registerHooks({ load: (url, context, next) => url.endsWith('.ts') ? { format: 'commonjs', source: null, shortCircuit: true } : next(url, context) })
else Module.register('./typescript-hooks.mjs', pathToFileURL(__filename))

Module._extensions['.ts'] = (module, path) => { module._compile(javascriptOf(path), path) }
