// For the store, until it has its guard: see private-directory.ts.
export { directoryName } from './file-names'
export { makePrivateDirectory } from './private-directory'
