/** The entry point for `import`: the same code as for `require`. */
export * from './conformance.js'
