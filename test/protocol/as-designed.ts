import { constants } from 'node:fs'
import { hasCode } from '../../lib/errors'
import { unlessMissing } from '../../lib/store/files/disk'
import { encodeRecord, fold, NO_RECORD, type JournalRecord } from '../../lib/store/files/journal'
import type { FileView } from '../../lib/store/files/file-view'
import { newToken, stagingPath } from '../../lib/store/files/file-names'
import type { Appended } from '../../lib/store/files/immediate-file'
import type { FileLimits } from '../../lib/store/files/seen-file'
import { SessionFile } from '../../lib/store/files/session-file'
import type { ModelDisk } from './process'
import { PATH } from './scenario'

/**
 * Two rules of the first design that the code does not follow, as they were written down: they
 * lose updates, and the explorer must be able to show it.
 *
 * Rule 5: the writer of a seal holds `<name>.lock`, made with O_EXCL, writes a temporary file and
 * renames it over. A process that finds a stale lock removes it and does the same.
 */
export class RenamedOver extends SessionFile {
  constructor (readonly model: ModelDisk, known: FileView | null, limits: FileLimits) {
    super(PATH, model, false, { limits, known })
  }

  override async rewrite (): Promise<void> {
    const view = await this.read()
    if (view?.tip?.seal !== true) return
    const { tip, ino, born } = view
    const isStillSealed = async (): Promise<boolean> => {
      const now = await unlessMissing(this.disk.lstat(this.path))
      return now !== null && now.ino === ino && now.birthtimeMs === born
    }
    await underLock(this.model, this.limits, isStillSealed, async () => {
      const temporary = stagingPath(this.path, newToken())
      const fd = await this.disk.open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL)
      await this.disk.write(fd, encodeRecord({ ...tip, seal: false }, NO_RECORD))
      await this.disk.close(fd)
      await this.disk.rename(temporary, this.path)
    })
  }

  override async remove (): Promise<boolean> {
    return await unlessMissing(this.disk.unlink(this.path).then(() => true)) ?? false
  }
}

/**
 * Rule 6: a torn tail is cut off under the lock, after it was seen unchanged twice, before anything
 * is appended. A reader stops at the first bytes that are no record.
 */
export class CutOff extends RenamedOver {
  override async append (record: JournalRecord, previous: string): Promise<Appended> {
    const size = await this.#sizeIfTorn()
    if (size !== null) {
      await underLock(this.model, this.limits, async () => await this.#sizeIfTorn() === size, async () => {
        await this.model.truncate(this.path, (await this.#whole()).length)
      })
      return 'conflict'
    }
    const fd = await this.disk.open(this.path, constants.O_RDWR | constants.O_APPEND)
    await this.disk.write(fd, encodeRecord(record, previous))
    await this.disk.close(fd)
    return fold(await this.#whole(), 0, null, record.id).won ? 'replaced' : 'conflict'
  }

  async #sizeIfTorn (): Promise<number | null> {
    const bytes = await this.#bytes()
    return fold(bytes).torn ? bytes.length : null
  }

  /** The bytes up to the first that are no record. */
  async #whole (): Promise<Buffer> {
    const bytes = await this.#bytes()
    let end = 0
    while (end < bytes.length) {
      const length = 40 + (bytes.length - end < 40 ? Infinity : bytes.readUInt32LE(end + 8))
      if (fold(bytes.subarray(0, end + length)).torn) break
      end += length
    }
    return bytes.subarray(0, end)
  }

  async #bytes (): Promise<Buffer> {
    const fd = await this.disk.open(this.path, constants.O_RDONLY)
    const { size } = await this.disk.fstat(fd)
    const bytes = Buffer.alloc(size)
    await this.disk.read(fd, bytes, 0)
    await this.disk.close(fd)
    return bytes
  }
}

async function underLock (
  disk: ModelDisk, { stale, patience }: FileLimits, isDue: () => Promise<boolean>, work: () => Promise<void>
): Promise<void> {
  const lock = `${PATH}.lock`
  for (let waited = 0; ;) {
    try {
      await disk.close(await disk.open(lock, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL))
      break
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
    if (!await isDue()) return
    if (waited >= stale) {
      await unlessMissing(disk.unlink(lock))
      continue
    }
    await unlessMissing(disk.lstat(lock))
    await disk.wait(patience)
    waited += patience
  }
  if (await isDue()) await work()
  await unlessMissing(disk.unlink(lock))
}
