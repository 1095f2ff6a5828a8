'use strict'
/**
 * Windows skips the test files that need POSIX, and says why. A file shows what it needs by what it uses:
 * the first of these that fits is the reason. `node test/support/posix-only.cjs` lists them all.
 */
const fs = require('node:fs')
const { join, relative } = require('node:path')
const { isMainThread } = require('node:worker_threads')

const root = join(__dirname, '../..')
const NEEDS = {
  'descriptors that are kept, the quick lanes, or system calls that are counted': /held-file'|DiskNow\b|recordingDisk|\.eager\b|openDescriptors|few-descriptors/,
  'signals, or /proc': /SIGSTOP|'SIGTERM'|\/proc\/|starved-process/,
  'owners and modes of files': /geteuid|unprivileged-process|\.mode & 0o|\bmode & 0o|umask\(|\buid: |chmod(Sync)?\(.*0o(?![67]00)/,
  'symbolic links, FIFOs or mounts': /symlink|mkfifo|\bmount/,
  'durability fsync': /'fsync'|power-cut/,
  'a POSIX shell': /run\('bash'|spawnSync\('(sh|bash|find)|checkShell|checkSnippets/,
  'the file system of POSIX below it': /interceptedDisk|stallingDisk|ntfsDisk|ntfsConformance|exactCalls|sealedFile|passTick/
}

/** Returns why a system skips the test file, whose path is relative; undefined where it is run. */
function reasonToSkip (file, system = process.platform) {
  if (system !== 'win32' || !file.endsWith('.test.ts')) return undefined
  const source = fs.readFileSync(join(root, file), 'utf8')
  return Object.keys(NEEDS).find(need => NEEDS[need].test(source))
}

/** Returns the test files that Windows skips, by reason. */
function skippedOnWindows () {
  const skipped = Object.fromEntries(Object.keys(NEEDS).map(need => [need, []]))
  for (const name of fs.readdirSync(join(root, 'test'), { recursive: true }).sort()) {
    const reason = reasonToSkip(join('test', name), 'win32')
    if (reason !== undefined) skipped[reason].push(join('test', name))
  }
  return skipped
}

module.exports = { reasonToSkip, skippedOnWindows }

const program = process.argv[1] ?? ''
if (program === __filename) console.log(skippedOnWindows())
const reason = isMainThread ? reasonToSkip(relative(root, program)) : undefined
if (reason !== undefined) {
  process.stdout.write(`TAP version 14\n1..0 # SKIP not on Windows: this needs ${reason}\n`)
  process.exit(0)
}
