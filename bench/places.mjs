/** The directories that sessions are stored in. */
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
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

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => { process.exit(1) })

function filesystem (path) {
  const { type } = statfsSync(path)
  return FILESYSTEMS.get(type) ?? `filesystem 0x${type.toString(16)}`
}
