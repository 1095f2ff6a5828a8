import fc from 'fast-check'
import { isLong } from './tier'

// What `npm test` tries, and so covers, is the same in each run. The long tier tries something new each time.
if (!isLong) fc.configureGlobal({ seed: 1 })

export default fc
