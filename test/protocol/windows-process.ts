import { constants } from 'node:fs'
import { hasCode } from '../../lib/errors'
import { isDirectory, unlessMissing } from '../../lib/store/files/disk'
import type { Patience } from '../../lib/store/files/disk'
import { windowsDisk } from '../../lib/store/files/windows-disk'
import type { Local, ModelDisk, Program } from './process'

/** Lets a program work as on Windows: by the real code, over the calls of the model. */
export function onWindows<L extends Local> (program: Program<L>, limits: Patience): Program<L> {
  return { ...program, step: (disk, local) => program.step({ ...disk, ...windowsDisk(disk, limits) }, local) }
}

/** The rule that comes to mind first: what must not be renamed over is unlinked before. */
export function unlinkingFirst<L extends Local> (program: Program<L>, limits: Patience): Program<L> {
  const { step } = onWindows(program, limits)
  return { ...program, step: (disk, local) => step({ ...disk, rename: (from, to) => renameAnyhow(disk, from, to) }, local) }
}

async function renameAnyhow (disk: ModelDisk, from: string, to: string): Promise<void> {
  try {
    await disk.rename(from, to)
  } catch (error) {
    const status = hasCode(error, 'EPERM') ? await unlessMissing(disk.lstat(to)) : null
    if (status === null || isDirectory(status)) throw error
    await disk.unlink(to)
    await disk.rename(from, to)
  }
}

/** A program of which nothing is known here, such as a virus scanner: it opens the file, and closes it at some time or never. */
export function scanner (path: string, closes: boolean): Program<Local & { fd: number | null }> {
  return {
    name: 'V',
    start: { turn: 0, ended: false, acknowledged: '', fd: null },
    async step (disk, local) {
      if (local.fd !== null) await disk.close(local.fd)
      const fd = local.fd === null ? await disk.open(path, constants.O_RDONLY).catch(() => null) : null
      return { ...local, turn: local.turn + 1, fd, ended: fd === null || !closes }
    }
  }
}
