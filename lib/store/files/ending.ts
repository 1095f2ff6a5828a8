import { hasCode } from '../../errors'
import { checkWhole, unlessMissing, type DiskCalls } from './disk'
import { readView } from './file-reading'
import { isNext, isOpen, isSame, wasAlive, type FileView } from './file-view'
import { encodeRecord, newRecordId } from './journal'
import { newToken, stagingPath } from './file-names'
import { openToAppend, openToRead } from './private-file'
import { takeAway, type Sealed } from './seal'
import { find } from './second-look'

/** `lost`: another record was first. `gone`: the session has ended before. */
export type Ended = 'won' | 'lost' | 'gone'

/**
 * Ends the session if `previous` is still its last record. A tombstone is appended like any other
 * record; when it has won, no record wins any more, and the file is removed. `known` is the last
 * view of the file, `id` the id of the tombstone.
 */
export async function endAt (
  file: Sealed, known: FileView | null, previous: string, id = newRecordId()
): Promise<Ended> {
  const { path, disk } = file
  const fd = await find(file, wasAlive(known), () => openToAppend(disk, path))
  if (fd === null) return 'gone'
  try {
    const { outcome, ino } = await appendTombstone(disk, fd, known, previous, id)
    // A file that cannot be removed now holds no session, and is left to the sweep. But after a loss
    // of power the tombstone may be missing, so with fsync it counts that the file is gone.
    if (outcome === 'won') await takeOut(disk, path, ino).catch(error => { if (file.durable) throw error })
    return outcome
  } finally {
    await disk.close(fd)
  }
}

/**
 * Removes a file whose session is over, as `view` shows it, or that never held one. Returns whether
 * this call has removed it: not so when a request has saved to it since, or when another file has its place.
 */
export async function removeJudged (file: Sealed, view: FileView): Promise<boolean> {
  const { path, disk } = file
  if (view.tip !== null && isOpen(view)) {
    const outcome = await endAt(file, view, view.tip.id).catch(() => undefined)
    if (outcome !== undefined) return outcome === 'won'
    // The tombstone cannot be written when the disk is full, and then it is all the more time to remove the file.
  }
  if (view.tip?.seal === true) return await removeSealed(file, view)
  const fd = await unlessMissing(openToRead(disk, path))
  if (fd === null) return false
  try {
    const { view: now } = await readView(disk, fd, view)
    const isUnchanged = now.ino === view.ino && now.tip?.id === view.tip?.id
    return isUnchanged && await takeOut(disk, path, now.ino)
  } finally {
    await disk.close(fd)
  }
}

/**
 * Removes a sealed file, to which no tombstone can be appended, and sees to it that no process under
 * way puts the file that follows in its place. Returns whether this call has removed it. Even then
 * the file that follows may have been put there just before: look again.
 */
export async function removeSealed (file: Sealed, view: FileView): Promise<boolean> {
  const { path, disk } = file
  const fd = await unlessMissing(openToRead(disk, path))
  if (fd === null) return false
  try {
    if (!isSame(view, await disk.fstat(fd))) return false
    return await takeAway(file, async () => { if (!await takeOut(disk, path, view.ino)) throw missing() })
  } finally {
    await disk.close(fd)
  }
}

async function appendTombstone (
  disk: DiskCalls, fd: number, known: FileView | null, previous: string, id: string
): Promise<{ outcome: Ended, ino: number }> {
  const bytes = encodeRecord({ id, text: '', idleTimeout: 0, createdAt: 0, seal: false, ended: true }, previous)
  checkWhole(await disk.write(fd, bytes), bytes)
  const status = await disk.fstat(fd)
  const { ino } = status
  if (known !== null && isNext(known, status, previous, bytes)) return { outcome: 'won', ino }
  const { view, won } = await readView(disk, fd, known, id)
  if (won) return { outcome: 'won', ino }
  return { outcome: view.tip?.ended === true ? 'gone' : 'lost', ino }
}

/**
 * Removes a file from its path, and no other file that may have got that path in the meantime: a
 * session can be made anew under the name of one that has ended. Returns whether it was this call
 * that removed it. The caller keeps the file open, so that its inode number is not used again.
 *
 * There is no system call that removes a name only if it still stands for a certain file. So the
 * file at the path is moved to a private name and looked at there. If it is another one, it goes back.
 */
export async function takeOut (disk: DiskCalls, path: string, ino: number): Promise<boolean> {
  const taken = stagingPath(path, newToken())
  const wasThere = await unlessMissing(disk.rename(path, taken).then(() => true))
  if (wasThere === null) return false
  const isOurs = (await disk.lstat(taken)).ino === ino
  if (!isOurs) await putBack(disk, taken, path)
  await disk.unlink(taken)
  return isOurs
}

/** If yet another session was made at the path within these microseconds, that one stays: it has the name. */
async function putBack (disk: DiskCalls, taken: string, path: string): Promise<void> {
  try {
    await disk.link(taken, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

function missing (): Error {
  return Object.assign(new Error('ENOENT: another file has its place'), { code: 'ENOENT' })
}
