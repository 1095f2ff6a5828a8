/**
 * `npm run redis:versions -- valkey-8.1 redis-8.0`: the tests of the Redis store on other servers, all known
 * ones by default; with `--torture SECONDS` the tortures too. The programs come from the packages of Debian's
 * releases, which apt brings into the directory for temporary files with the libraries that they need: nothing is
 * installed. So it needs a machine with Debian or Ubuntu, and the keys of Debian's archive.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** By what it is: the release of Debian that has it, and the name of its package and program. */
const SERVERS = {
  'redis-7.0': ['bookworm', 'redis-server'],
  'redis-8.0': ['trixie', 'redis-server'],
  'redis-newest': ['sid', 'redis-server'],
  'valkey-8.0': ['bookworm-backports', 'valkey-server'],
  'valkey-8.1': ['trixie', 'valkey-server'],
  'valkey-newest': ['sid', 'valkey-server']
}
/** These have other releases beneath them. */
const BENEATH = { 'bookworm-backports': 'bookworm' }
const TESTS = ['test/store/redis/*.test.ts', 'test/store/redis/sentinel.long.ts', 'test/store/renewed-ids.test.ts', 'test/cli/servers.test.ts']
const TORTURES = [['--store', 'redis'], ['--store', 'sentinel', '--replicas', '1'], ['--find', '--store', 'redis']]

const [names, seconds] = asked(process.argv.slice(2))
const failed = names.filter(name => {
  const PATH = `${program(name)}${delimiter}${process.env.PATH}`
  console.log(name)
  run('redis-server', ['--version'], { PATH })
  const tests = TESTS.flatMap(pattern => globSync(pattern))
  const runs = [['npx', 'tap', '--disable-coverage', '--jobs=2', ...tests]]
  if (seconds !== undefined) runs.push(...TORTURES.map(options => ['node', 'test/torture/torture.mjs', ...options, '--seconds', seconds, '--processes', '4']))
  return runs.filter(([command, ...parameters]) => run(command, parameters, { PATH }) !== 0).length > 0
})
console.log(`${names.length - failed.length} passed, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`)
process.exit(failed.length > 0 ? 1 : 0)

/** Returns the names of the servers, and for how long each torture is. */
function asked (parameters) {
  const at = parameters.indexOf('--torture')
  const [, seconds] = at === -1 ? [] : parameters.splice(at, 2)
  const unknown = parameters.find(name => !(name in SERVERS))
  if (unknown !== undefined) throw new Error(`choose among ${Object.keys(SERVERS).join(', ')}`)
  if (seconds !== undefined && run('npm', ['run', 'build', '--silent']) !== 0) throw new Error('the package cannot be built')
  return [parameters.length > 0 ? parameters : Object.keys(SERVERS), seconds]
}

/** Returns a directory with a `redis-server` that is this server. */
function program (name) {
  const [release, server] = SERVERS[name]
  const directory = join(tmpdir(), `server-${name}`)
  const [root, programs] = [join(directory, 'root'), join(directory, 'programs')]
  if (existsSync(join(programs, 'redis-server'))) return programs
  bring(release, server, directory, root)
  const [loader] = globSync(`${root}/{,usr/}lib/*/ld-linux-*.so.*`)
  const libraries = globSync(`${root}/{,usr/}lib/*-linux-gnu`).join(':')
  mkdirSync(programs, { recursive: true })
  writeFileSync(join(programs, 'redis-server'), `#!/bin/sh\nexec ${loader} --library-path ${libraries} ${root}/usr/bin/${server} "$@"\n`)
  chmodSync(join(programs, 'redis-server'), 0o755)
  return programs
}

/** Unpacks the package and all that it needs, by an apt that knows of nothing that is installed here. */
function bring (release, server, directory, root) {
  const [configuration, sources, status] = ['apt.conf', 'sources.list', 'status'].map(file => join(directory, file))
  for (const place of [root, join(directory, 'lists', 'partial'), join(directory, 'cache', 'archives', 'partial')]) mkdirSync(place, { recursive: true })
  writeFileSync(sources, [release, BENEATH[release]].filter(Boolean).map(suite => `deb http://deb.debian.org/debian ${suite} main\n`).join(''))
  writeFileSync(status, '')
  writeFileSync(configuration, Object.entries({
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(directory, 'lists'),
    'Dir::State::status': status,
    'Dir::Cache': join(directory, 'cache'),
    'Acquire::Languages': 'none',
    'APT::Sandbox::User': 'root'
  }).map(([setting, value]) => `${setting} "${value}";\n`).join(''))
  const apt = (...parameters) => {
    if (run('apt-get', ['-qq', ...parameters], { APT_CONFIG: configuration }) !== 0) throw new Error(`apt-get cannot bring ${server} of ${release}`)
  }
  apt('update')
  apt('install', '--yes', '--download-only', '--no-install-recommends', ...release in BENEATH ? ['--target-release', release] : [], server)
  for (const file of globSync(join(directory, 'cache', 'archives', '*.deb'))) {
    if (run('dpkg-deb', ['--extract', file, root]) !== 0) throw new Error(`${file} cannot be unpacked`)
  }
}

function run (program, parameters, environment = {}) {
  return spawnSync(program, parameters, { stdio: 'inherit', env: { ...process.env, ...environment } }).status
}
