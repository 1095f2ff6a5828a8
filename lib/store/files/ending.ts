import { randomText } from '../../random'
import { hasCode } from '../../errors'
import { checkWhole, unlessMissing, type Disk } from './disk'
import { openToRead, readView } from './file-reading'
import { isNext, isOpen, wasAlive, type FileView } from './file-view'
import { TO_APPEND } from './held-file'
import { encodeRecord, newRecordId } from './journal'
import type { Sealed } from './seal'
import { find } from './second-look'

/** `lost`: another record was first. `gone`: the session has ended before. */
export type Ended = 'won' | 'lost' | 'gone'

/**
 * Ends the session if `previous` is still its last record. A tombstone is appended like any other
 * record; when it has won, no record wins any more, and the file is removed. `known` is the last
 * view of the file.
 */
export async function endAt (file: Sealed, known: FileView | null, previous: string): Promise<Ended> {
  const { path, disk } = file
  const fd = await find(file, wasAlive(known), () => disk.open(path, TO_APPEND))
  if (fd === null) return 'gone'
  try {
    const { outcome, ino } = await appendTombstone(disk, fd, known, previous)
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

async function appendTombstone (
  disk: Disk, fd: number, known: FileView | null, previous: string
): Promise<{ outcome: Ended, ino: number }> {
  const id = newRecordId()
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
export async function takeOut (disk: Disk, path: string, ino: number): Promise<boolean> {
  const taken = `${path}.${randomText(8, 'hex')}.tmp`
  const wasThere = await unlessMissing(disk.rename(path, taken).then(() => true))
  if (wasThere === null) return false
  const isOurs = (await disk.lstat(taken)).ino === ino
  if (!isOurs) await putBack(disk, taken, path)
  await disk.unlink(taken)
  return isOurs
}

/** If yet another session was made at the path within these microseconds, that one stays: it has the name. */
async function putBack (disk: Disk, taken: string, path: string): Promise<void> {
  try {
    await disk.link(taken, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}
