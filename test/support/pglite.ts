import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { PGlite } from '@electric-sql/pglite'
import { root, unmeasured } from './built-package'

// To compile it quickly takes less time here than to make it run quickly.
for (const flag of ['--liftoff-only', '--no-wasm-tier-up']) setFlagsFromString(flag)

const cache = join(root, 'node_modules/.cache/pglite')
/** Writes an empty database to the file that is named by its parameter. */
const MAKE = `
  const { PGlite } = require('@electric-sql/pglite')
  PGlite.create().then(async database => {
    require('node:fs').writeFileSync(process.argv[1], Buffer.from(await (await database.dumpDataDir('none')).arrayBuffer()))
    await database.close()
  })`

/** Returns an empty database in memory. To make one takes seconds of computing, so each version makes it once, and each test loads it. */
export function emptyPGlite (): PGlite {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/@electric-sql/pglite/package.json'), 'utf8')) as { version: string }
  const path = join(cache, `${version}.tar`)
  if (!existsSync(path)) {
    mkdirSync(cache, { recursive: true })
    const own = `${path}.${process.pid}`
    execFileSync(process.execPath, ['-e', MAKE, own], { cwd: root, env: unmeasured() })
    // Another test may have done the same meanwhile.
    renameSync(own, path)
  }
  return new PGlite({ loadDataDir: new Blob([readFileSync(path)]) })
}
