import fs from 'node:fs'
import { join } from 'node:path'
import { hook, systemError } from './fs-hooks.mjs'

/**
 * A disk that loses what was not synced. Below `root` this process works on real files; what would be left of them is
 * kept beside:
 *
 * - of a file, the bytes that it had when it was last synced (fsync or fdatasync);
 * - of a directory, the names, and the files that they stand for, that it had when it was last synced (fsync).
 *
 * Where a disk may keep more, this one never does. What is there when this function is called counts as synced.
 *
 * A sync that was made to fail is like Linux's after a fault of the device: the bytes stay readable, are no longer
 * counted as unwritten, and the next sync reports nothing and does not write them.
 */
export function lossyDisk (root) {
  /** By device, inode number and birth time: of files the synced bytes and what was lost, of directories the synced names. */
  const synced = new Map()
  let failing = 0
  adopt(root)

  hook('fsync', fd => syncing(fd))
  hook('fdatasync', fd => syncing(fd))

  function syncing (fd) {
    const status = fs.fstatSync(fd)
    const path = pathOf(fd)
    if (status.isFile() && failing > 0) {
      failing--
      lose(path, status)
      throw systemError('EIO', 'fdatasync')
    }
    return result => {
      status.isFile() ? syncFile(path, status) : syncDirectory(path, status)
      return result
    }
  }

  function syncFile (path, status) {
    const { lost } = stateOf(status)
    const bytes = fs.readFileSync(path)
    for (const [from, to] of lost) bytes.fill(0, from, to)
    synced.set(keyOf(status), { bytes, lost })
  }

  function lose (path, status) {
    const state = stateOf(status)
    const bytes = fs.readFileSync(path)
    // Files here grow at their end only.
    synced.set(keyOf(status), { bytes: state.bytes, lost: [...state.lost, [state.bytes.length, bytes.length]] })
  }

  function syncDirectory (path, status) {
    synced.set(keyOf(status), { names: new Map(fs.readdirSync(path).map(name => [name, keyOf(fs.lstatSync(join(path, name)))])) })
  }

  function stateOf (status) {
    return synced.get(keyOf(status)) ?? { bytes: Buffer.alloc(0), lost: [] }
  }

  function adopt (path) {
    const status = fs.lstatSync(path)
    if (!status.isDirectory()) return syncFile(path, status)
    syncDirectory(path, status)
    for (const name of fs.readdirSync(path)) adopt(join(path, name))
  }

  function restore (key, path) {
    const state = synced.get(key)
    if (state?.names === undefined) return fs.writeFileSync(path, state?.bytes ?? '', { mode: 0o600 })
    fs.mkdirSync(path, { mode: 0o700 })
    for (const [name, child] of state.names) restore(child, join(path, name))
  }

  return {
    /** Makes the next syncs of files fail. */
    failSyncs (count = 1) { failing = count },
    /** Whether all failures that were asked for have happened. */
    get hasFailed () { return failing === 0 },
    /** Makes a new directory of what a power cut would leave now. */
    cutPower (path) { restore(keyOf(fs.lstatSync(root)), path) }
  }
}

function keyOf ({ dev, ino, birthtimeMs }) {
  return `${dev} ${ino} ${birthtimeMs}`
}

function pathOf (fd) {
  return `/proc/self/fd/${fd}`
}
