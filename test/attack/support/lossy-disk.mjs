import fs from 'node:fs'
import { join } from 'node:path'
import { hook, systemError } from './fs-hooks.mjs'

/**
 * A disk that loses what was not synced. Below `root` this process works on real files; what would be left of them is
 * kept beside:
 *
 * - of a file, the bytes that were written before it was last synced (fsync or fdatasync);
 * - of a directory, the names, and the files that they stand for, that it had when it was last synced (fsync).
 *
 * Where a disk may keep more, this one never does. What is there when this function is called counts as synced.
 *
 * A sync that was made to fail is like Linux's after a fault of the device: the bytes stay readable, but are no longer
 * counted as unwritten. The next sync reports nothing and does not write them, unless they are written once more.
 */
export function lossyDisk (root) {
  /** What is left of directories: names, and what each stands for, by key. */
  const directories = new Map()
  /** What is left of files, and the ranges that the next sync writes, by key. */
  const files = new Map()
  let failing = 0
  adopt(root)

  // The arguments of a buffer's write; texts are not written here.
  hook('write', (fd, _bytes, _offset, _length, at) => result => {
    if (isBelow(fd)) written(fd, result.bytesWritten ?? result, at)
    return result
  })
  for (const name of ['fsync', 'fdatasync']) hook(name, fd => isBelow(fd) ? syncing(fd) : undefined)

  function isBelow (fd) {
    return fs.readlinkSync(pathOf(fd)).startsWith(root)
  }

  function written (fd, length, at) {
    const status = fs.fstatSync(fd)
    const { position, isAppending } = descriptorOf(fd)
    const end = isAppending ? status.size : typeof at === 'number' && at >= 0 ? at + length : position
    fileOf(status).unwritten.push([end - length, end])
  }

  function syncing (fd) {
    const status = fs.fstatSync(fd)
    if (status.isFile() && failing > 0) {
      failing--
      fileOf(status).unwritten = []
      throw systemError('EIO', 'fdatasync')
    }
    return result => {
      status.isFile() ? syncFile(pathOf(fd), status) : syncDirectory(pathOf(fd), status)
      return result
    }
  }

  function syncFile (path, status) {
    const file = fileOf(status)
    const now = fs.readFileSync(path)
    const left = Buffer.alloc(now.length)
    file.left.copy(left)
    for (const [from, to] of file.unwritten) now.copy(left, from, from, to)
    files.set(keyOf(status), { left, unwritten: [] })
  }

  function syncDirectory (path, status) {
    directories.set(keyOf(status), new Map(fs.readdirSync(path).map(name => {
      const child = fs.lstatSync(join(path, name))
      return [name, { key: keyOf(child), isDirectory: child.isDirectory() }]
    })))
  }

  function fileOf (status) {
    const key = keyOf(status)
    if (!files.has(key)) files.set(key, { left: Buffer.alloc(0), unwritten: [] })
    return files.get(key)
  }

  function adopt (path) {
    const status = fs.lstatSync(path)
    if (!status.isDirectory()) {
      files.set(keyOf(status), { left: fs.readFileSync(path), unwritten: [] })
      return
    }
    syncDirectory(path, status)
    for (const name of fs.readdirSync(path)) adopt(join(path, name))
  }

  function restore ({ key, isDirectory }, path) {
    if (!isDirectory) return fs.writeFileSync(path, files.get(key)?.left ?? '', { mode: 0o600 })
    fs.mkdirSync(path, { mode: 0o700 })
    for (const [name, child] of directories.get(key) ?? []) restore(child, join(path, name))
  }

  return {
    /** Makes the next syncs of files fail. */
    failSyncs (count) { failing = count },
    /** Whether all failures that were asked for have happened. */
    get hasFailed () { return failing === 0 },
    /** Makes a new directory of what a power cut would leave now. */
    cutPower (path) { restore({ key: keyOf(fs.lstatSync(root)), isDirectory: true }, path) }
  }
}

function keyOf ({ dev, ino, birthtimeMs }) {
  return `${dev} ${ino} ${birthtimeMs}`
}

function pathOf (fd) {
  return `/proc/self/fd/${fd}`
}

function descriptorOf (fd) {
  const text = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')
  const flags = parseInt(/^flags:\s*(\d+)/m.exec(text)[1], 8)
  return { position: Number(/^pos:\s*(\d+)/m.exec(text)[1]), isAppending: (flags & fs.constants.O_APPEND) !== 0 }
}
