/** The directories that sessions are stored in. */
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statfsSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FILESYSTEMS = new Map([[0xef53, 'ext4'], [0x01021994, 'tmpfs'], [0x58465342, 'xfs'], [0x9123683e, 'btrfs'], [0x794c7630, 'overlayfs']])

export const DEFAULT_DISK = fileURLToPath(new URL('../node_modules/.cache/bench', import.meta.url))
export const DEFAULT_TMPFS = '/dev/shm'

/** One that is removed in the end, also after an error or Ctrl-C. */
export function makePlace (parent) {
  mkdirSync(parent, { recursive: true })
  const path = mkdtempSync(join(parent, 'fastify-file-sessions-bench-'))
  process.once('exit', () => { rmSync(path, { recursive: true, force: true }) })
  return { path, filesystem: filesystem(path) }
}

/** Says in a line what makes figures of a disk mean something else; otherwise null. */
export function warningOf ({ path, filesystem }, given) {
  if (filesystem === 'tmpfs') return `${given} is in memory: choose another --dir to measure a disk`
  if (filesystem !== 'ext4' || hasJournal(ext4Options(path))) return null
  return `${given} is on an ext4 without a journal, which is slow to make files after many were deleted: choose another --dir to measure logins`
}

/** Whether an ext4 with these options, one on a line, has a journal; also where nothing is known of them. */
export function hasJournal (options) {
  return options === null || /^data=/m.test(options)
}

/** Returns what the kernel tells of the file system that a path is on; null: nothing. */
function ext4Options (path) {
  const { dev } = statSync(path, { bigint: true })
  const major = (dev >> 8n) & 0xfffn
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xfff00n)
  try {
    const device = basename(readlinkSync(`/sys/dev/block/${major}:${minor}`))
    return readFileSync(`/proc/fs/ext4/${device}/options`, 'utf8')
  } catch {
    return null
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => { process.exit(1) })

function filesystem (path) {
  const { type } = statfsSync(path)
  return FILESYSTEMS.get(type) ?? `filesystem 0x${type.toString(16)}`
}
