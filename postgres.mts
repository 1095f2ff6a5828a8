/** The entry point for `import`: the same code as for `require`, so that there is one of each class. */
export * from './postgres.js'
