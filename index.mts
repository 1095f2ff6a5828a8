/** The package for `import`: the same code as for `require`, so that there is one of each class. */
import { fileSessions } from './index.js'

export * from './index.js'
export default fileSessions
