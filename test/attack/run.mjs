// Attacks the built package in every way that is known to have worked once, and says which attacks it holds against.
//
//   npm run attack [-- --only 5,11] [-- --list]
//
// Each attack runs in a process of its own, with a temporary directory of its own. The process, its children, its
// mounts and its directory are removed afterwards, whatever happens. Exit code 1: an attack succeeded, or could not be
// carried out because of an error. Some need root, or a file system that this machine must be able to mount: elsewhere
// they print "skipped" and why. With --no-skips a skipped attack counts as one that succeeded.
//
// To add an attack:
// 1. Take the folder of its section (updates, cookie, directory, disk, people), and there the file of its entry:
//    NN-subject.mjs, where NN is the number. The runner finds it by its name.
// 2. Add `{ entry, name, run }` to the exported `attacks`. The name says what is attacked, as a noun.
// 3. `run(ground)` attacks through the public API or HTTP, so that it need not change with the code. `ground` (see
//    support/ground.mjs) gives directories, mounts and processes. Count each try with `ground.tried()`, each success
//    of the attack with `ground.succeeded('what is broken')`. A try without success has been held.
// 4. The verdict compares what was acknowledged with what is found, or looks at what was touched. No verdict depends on
//    speed; where an attack makes something hang, the limit is far above what a slow machine needs.
// 5. Run it against the code without the repair. There it must succeed, otherwise it proves nothing.
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const SECTIONS = ['updates', 'cookie', 'directory', 'disk', 'people']
/** Milliseconds that an attack may take before it is ended, which counts as an error. The longest needs a tenth of it. */
const LONGEST = 120_000
/** So many attacks are under way at a time. */
const AT_ONCE = 2

/** The attacks that are under way, each with its directory. */
const running = new Map()

const { values: { only, list, 'no-skips': noSkips } } = parseArgs({
  options: { only: { type: 'string' }, list: { type: 'boolean' }, 'no-skips': { type: 'boolean' } }
})
const chosen = only?.split(',').map(Number)
const attacks = (await everyAttack()).filter(({ entry }) => chosen?.includes(entry) ?? true)
const nameWidth = Math.max(...attacks.map(({ name }) => name.length))

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const [child, base] of running) leave(child, base)
    process.exit(1)
  })
}

if (list) for (const { entry, name, file } of attacks) console.log(`${cells(entry, name)}  ${relative(process.cwd(), file)}`)
else process.exitCode = await attackAll() ? 0 : 1

async function everyAttack () {
  const found = []
  for (const section of SECTIONS) {
    for (const name of fs.readdirSync(join(HERE, section)).filter(name => /^\d\d-.*\.mjs$/.test(name)).sort()) {
      const file = join(HERE, section, name)
      const { attacks } = await import(pathToFileURL(file))
      found.push(...attacks.map(({ entry, name }, index) => ({ entry, name, file, index })))
    }
  }
  return found.sort((a, b) => a.entry - b.entry)
}

async function attackAll () {
  const counts = { held: 0, skipped: 0, failed: 0 }
  console.log(`${cells('entry', 'attack')}  ${'tries'.padStart(7)}  held`)
  const reports = []
  for (const [place, { entry, name }] of attacks.entries()) {
    for (let next = reports.length; next < Math.min(place + AT_ONCE, attacks.length); next++) {
      // Most of them wait most of the time. The next begins when the one before the last is over.
      reports.push((reports[next - AT_ONCE] ?? Promise.resolve()).then(() => attack(attacks[next])))
    }
    const { tries, verdict, kind } = judge(await reports[place])
    counts[kind]++
    console.log(`${cells(entry, name)}  ${String(tries).padStart(7)}  ${verdict}`)
  }
  const { held, skipped, failed } = counts
  console.log(`${attacks.length} attacks: ${held} held, ${failed} not, ${skipped} skipped`)
  return attacks.length > 0 && failed === 0 && !(noSkips === true && skipped > 0)
}

async function attack ({ file, index }) {
  const base = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'session-attack-'))
  // Detached: it leads a process group, by which its own children can be ended.
  const child = fork(join(HERE, 'support/one-attack.mjs'), [file, String(index), base],
    { cwd: base, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, NODE_ENV: 'test' } })
  running.set(child, base)
  const output = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', bytes => { output.push(bytes) })
  let report = null
  child.on('message', message => { report = message })
  const timer = setTimeout(() => { endAll(child, base) }, LONGEST)
  try {
    await once(child, 'exit')
  } finally {
    clearTimeout(timer)
    leave(child, base)
  }
  return report ?? { tries: 0, error: `the attack ended early\n${Buffer.concat(output).toString().trimEnd()}` }
}

function leave (child, base) {
  endAll(child, base)
  fs.rmSync(base, { recursive: true, force: true, maxRetries: 5 })
  running.delete(child)
}

/** Ends the attack with all its children, and takes away its mounts. */
function endAll (child, base) {
  const mounts = mountsBelow(base)
  // A process that waits for a frozen file system cannot be ended.
  for (const mount of mounts) spawnSync('fsfreeze', ['--unfreeze', mount])
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // None is left.
  }
  for (const mount of mounts) spawnSync('umount', ['--lazy', mount])
}

/** The innermost first. */
function mountsBelow (base) {
  if (process.platform !== 'linux') return []
  const paths = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n').map(line => line.split(' ')[1] ?? '')
  return paths.filter(path => path.startsWith(`${base}/`)).reverse()
}

function judge ({ tries, skipped, error, successes = [], successCount = 0 }) {
  if (error !== undefined) return { tries, verdict: `ERROR: ${error}`, kind: 'failed' }
  if (skipped !== undefined) return { tries, verdict: `skipped: ${skipped}`, kind: 'skipped' }
  if (successCount > 0) return { tries, verdict: `NO, ${successCount} times: ${successes.join('; ')}`, kind: 'failed' }
  if (tries === 0) return { tries, verdict: 'ERROR: nothing was tried', kind: 'failed' }
  return { tries, verdict: 'yes', kind: 'held' }
}

function cells (entry, name) {
  return `${String(entry).padStart(5)}  ${name.padEnd(nameWidth)}`
}
