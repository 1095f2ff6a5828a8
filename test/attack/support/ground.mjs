import { execFileSync, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** So many different successes are told in words. */
const MOST_TOLD = 3
// Where the commands for file systems are.
process.env.PATH += ':/usr/sbin:/sbin'
const HERE = fileURLToPath(new URL('.', import.meta.url))
const COMMAND = fileURLToPath(new URL('../../../dist/lib/cli/main.js', import.meta.url))

/** The attack cannot be tried on this machine; the message says why. */
export class Skipped extends Error {}

/** What an attack stands on: directories, mounts and processes that go away with it, and the count of tries and successes. */
export class Ground {
  #base
  #cleanups = []
  #directories = 0
  #tries = 0
  #successCount = 0
  #successes = new Set()

  constructor (base) {
    this.#base = base
  }

  tried (count = 1) {
    this.#tries += count
  }

  /** Says that the attack got through; `what` is broken now. `count` may be 0. */
  succeeded (what, count = 1) {
    if (!(count > 0)) return
    this.#successCount += count
    if (this.#successes.size < MOST_TOLD) this.#successes.add(what)
  }

  /** One try, which has succeeded or has been held. */
  judge (isBroken, what) {
    this.tried()
    if (isBroken) this.succeeded(what)
  }

  report () {
    return { tries: this.#tries, successCount: this.#successCount, successes: [...this.#successes] }
  }

  /** @throws {Skipped} unless it holds */
  need (condition, why) {
    if (!condition) throw new Skipped(why)
  }

  needRoot () {
    this.need(process.platform === 'linux' && process.getuid() === 0, 'needs root on Linux')
  }

  needCommands (...names) {
    for (const name of names) {
      this.need(spawnSync('sh', ['-c', `command -v ${name}`]).status === 0, `needs ${name}`)
    }
  }

  /** Has it done at the end, the last first. */
  later (cleanup) {
    this.#cleanups.push(cleanup)
  }

  async leave () {
    for (const cleanup of this.#cleanups.reverse()) await cleanup()
  }

  /** A new, empty, private directory. */
  directory () {
    const path = join(this.#base, `d${this.#directories++}`)
    fs.mkdirSync(path, { mode: 0o700 })
    return path
  }

  /** Runs a command that has to succeed. */
  sh (command, ...args) {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Mounts at a new directory, which is returned. @throws {Skipped} when this kernel cannot */
  mount (...args) {
    return this.mountWith('mount', args)
  }

  /** The same with another command, such as that of a FUSE file system, which takes the directory as its last argument. */
  mountWith (command, args) {
    this.needRoot()
    this.needCommands(command)
    const path = this.directory()
    const { status, stderr } = spawnSync(command, [...args, path], { encoding: 'utf8' })
    this.need(status === 0, `cannot mount with ${command}: ${stderr?.split('\n')[0]}`)
    this.later(() => { this.unmount(path) })
    return path
  }

  /** A memory file system; `options` are those of mount. */
  tmpfs (options) {
    return this.mount('-t', 'tmpfs', '-o', `mode=0700,${options}`, 'none')
  }

  /** A file system of that type in an image file. */
  image (type, bytes) {
    this.needCommands(`mkfs.${type}`)
    const image = join(this.directory(), 'image')
    fs.writeFileSync(image, '')
    fs.truncateSync(image, bytes)
    this.sh(`mkfs.${type}`, image)
    return image
  }

  unmount (path) {
    spawnSync('umount', ['--lazy', path])
  }

  /** Starts one of the scripts beside this file, and returns it once it has sent its first message. */
  async start (script, args = [], options = {}) {
    const child = fork(join(HERE, script), args.map(String), { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], ...options })
    const output = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', bytes => { output.push(bytes) })
    child.output = () => Buffer.concat(output).toString()
    child.exited = once(child, 'exit')
    this.later(async () => {
      child.kill('SIGKILL')
      await child.exited
    })
    child.first = await Promise.race([once(child, 'message').then(([message]) => message), child.exited.then(([code, signal]) => {
      throw new Error(`${script} ended early (${code ?? signal}): ${child.output()}`)
    })])
    return child
  }

  /** An attack on code that crashed would seem to be held. */
  checkNoCrash (output) {
    if (/^Node\.js v\d/m.test(output)) throw new Error(`a process has crashed: ${output}`)
  }

  /** Runs the command `file-sessions`. `imports` are scripts of this folder that are loaded first. */
  command (args, { imports = [], env = {}, input = '' } = {}) {
    const preloads = imports.flatMap(script => ['--import', join(HERE, script)])
    const { status, stdout, stderr } = spawnSync(process.execPath, [...preloads, COMMAND, ...args],
      { encoding: 'utf8', input, env: { ...process.env, ...env } })
    this.checkNoCrash(stderr)
    return { status, stdout, stderr, output: stdout + stderr }
  }
}
