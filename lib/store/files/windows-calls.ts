import fs from 'node:fs'
import { systemError } from '../../errors'
import { isLink, type DirectoryCalls, type DiskCalls, type FileStatus } from './disk'

/** Access mode of all that is this user's: Windows shows modes that say nothing. */
const OWN_MODE = 0o700

/**
 * The calls as Windows needs them: file numbers of 64 bits, which no Number holds, and that are never
 * given to another file. No link is followed where a file is opened; Windows has no flag for that.
 */
export function exactCalls (calls: DiskCalls): DiskCalls {
  const lstat = (path: string): Promise<FileStatus> => fs.promises.lstat(path, { bigint: true }).then(exact)
  return {
    ...calls,
    async open (path, flags, mode) {
      const fd = await calls.open(path, flags, mode)
      const status = await lstat(path).catch(() => null)
      if (status === null || !isLink(status)) return fd
      await calls.close(fd)
      throw systemError('ELOOP', 'a symbolic link', 'open')
    },
    fstat: async fd => exact(fs.fstatSync(fd, { bigint: true })),
    lstat
  }
}

/** The same for what is asked of directories. */
export function exactDirectories (calls: DirectoryCalls): DirectoryCalls {
  return {
    ...calls,
    stat: path => fs.promises.stat(path, { bigint: true }).then(exact),
    // The system's own: it says which machine a drive letter stands for.
    realpath: path => new Promise((resolve, reject) => {
      fs.realpath.native(path, (error, real) => { error === null ? resolve(real) : reject(error) })
    })
  }
}

function exact (status: fs.BigIntStats): FileStatus {
  return {
    ino: status.ino,
    size: Number(status.size),
    nlink: Number(status.nlink),
    mode: (Number(status.mode) & fs.constants.S_IFMT) | OWN_MODE,
    uid: Number(status.uid),
    atimeMs: Number(status.atimeNs) / 1e6,
    mtimeMs: Number(status.mtimeNs) / 1e6,
    ctimeMs: Number(status.ctimeNs) / 1e6,
    birthtimeMs: Number(status.birthtimeNs) / 1e6
  }
}
