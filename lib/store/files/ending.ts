import { hasCode } from '../../errors'
import type { Removal } from '../session-record'
import { checkWhole, unlessMissing, type DiskCalls, type DiskNow, type FileNumber } from './disk'
import { newToken, stagingPath } from './file-names'
import { readView } from './file-reading'
import { isNext, isSame, wasAlive, type FileView } from './file-view'
import { encodeRecord, newRecordId, type JournalRecord } from './journal'
import { openToAppend, openToRead } from './private-file'
import { replaceSealed, takeAway, type Sealed } from './seal'
import { find } from './second-look'

/**
 * Ends the session if `previous` is still its last record. A tombstone is appended like any other
 * record; when it has won, no record wins any more, and the file is removed. `known` is the last
 * view of the file.
 */
export async function endAt (file: Sealed, known: FileView | null, previous: string): Promise<Removal> {
  const { path, disk } = file
  const fd = await find(file, wasAlive(known), () => openToAppend(disk, path))
  if (fd === null) return 'gone'
  try {
    const { outcome, ino } = await appendTombstone(disk, fd, known, previous)
    // A file that cannot be removed now holds no session, and is left to the sweep. But after a loss
    // of power the tombstone may be missing, so with fsync it counts that the file is gone.
    if (outcome === 'removed') await takeOut(disk, path, ino).catch(error => { if (file.durable) throw error })
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
  if (view.tip !== null && !view.tip.ended) {
    const isEnded = await endJudged(file, view, view.tip).catch(() => undefined)
    if (isEnded !== undefined) return isEnded
    // The tombstone cannot be written when the disk is full, and then it is all the more time to remove the file.
  }
  const fd = await unlessMissing(openToRead(disk, path))
  if (fd === null) return false
  try {
    // Read from its start: what was judged may be gone, and a file made at once in its place may have its number and its birth.
    const { view: now } = await readView(disk, fd, null)
    const isUnchanged = now.ino === view.ino && now.tip?.id === view.tip?.id
    if (!isUnchanged) return false
    if (view.tip?.seal !== true) return await takeOut(disk, path, now.ino)
    // A process may be about to put the file that follows in its place.
    return await takeAway(file, () => takeOut(disk, path, now.ino))
  } finally {
    await disk.close(fd)
  }
}

async function endJudged (file: Sealed, view: FileView, { id, seal }: JournalRecord): Promise<boolean> {
  return seal ? await endSealed(file, view) : await endAt(file, null, id) === 'removed'
}

/**
 * Ends a session whose file is sealed, as `view` shows it: no tombstone can be appended to it, so a
 * file that holds nothing else takes its place, by the rules for the file that follows a sealed one.
 * Then that is removed. Returns whether this call has ended the session; if not, look again: another
 * process has put the file that follows there, or has ended the session.
 */
export async function endSealed (file: Sealed, view: FileView): Promise<boolean> {
  const { path, disk } = file
  const record = tombstone()
  if (await replaceSealed(file, record, view, async () => await isStill(file, view)) === null) return false
  // As after any other tombstone: what cannot be removed now is left to the sweep.
  await removeTombstone(disk, path, record).catch(error => { if (file.durable) throw error })
  return true
}

/** Whether the file of that view is at its path. */
export async function isStill ({ path, disk }: Sealed, view: FileView): Promise<boolean> {
  const now = await unlessMissing(disk.lstat(path))
  return now !== null && isSame(view, now)
}

/** The file is known by its record: it was not kept open, so its inode number may be another file's by now. */
export async function removeTombstone (disk: DiskCalls, path: string, { id }: JournalRecord): Promise<void> {
  const fd = await unlessMissing(openToRead(disk, path))
  if (fd === null) return
  try {
    const { view } = await readView(disk, fd, null)
    if (view.tip?.id === id) await takeOut(disk, path, view.ino)
  } finally {
    await disk.close(fd)
  }
}

/** Returns a record that ends a session. */
export function tombstone (): JournalRecord {
  return { id: newRecordId(), text: '', idleTimeout: 0, createdAt: 0, seal: false, ended: true, patches: 0 }
}

async function appendTombstone (
  disk: DiskCalls, fd: number, known: FileView | null, previous: string
): Promise<{ outcome: Removal, ino: FileNumber }> {
  const record = tombstone()
  const bytes = encodeRecord(record, previous)
  checkWhole(await disk.write(fd, bytes), bytes)
  const status = await disk.fstat(fd)
  const { ino } = status
  if (known !== null && isNext(known, status, previous, bytes)) return { outcome: 'removed', ino }
  const { view, won } = await readView(disk, fd, known, record.id)
  if (won) return { outcome: 'removed', ino }
  return { outcome: view.tip?.ended === true ? 'gone' : 'conflict', ino }
}

/**
 * Removes a file from its path, and no other file that may have got that path in the meantime: a
 * session can be made anew under the name of one that has ended. Returns whether it was this call
 * that removed it. The caller keeps the file open, so that its inode number is not used again.
 *
 * There is no system call that removes a name only if it still stands for a certain file. So the
 * file at the path is moved to a private name and looked at there. If it is another one, it goes back.
 */
export async function takeOut (disk: DiskCalls, path: string, ino: FileNumber): Promise<boolean> {
  const taken = stagingPath(path, newToken())
  const wasThere = await unlessMissing(disk.rename(path, taken).then(() => true))
  return wasThere === null ? false : await removeOrPutBack(disk, taken, path, ino)
}

/** Removes what was taken from the path, or puts it back if it is another file. */
async function removeOrPutBack (disk: DiskCalls, taken: string, path: string, ino: FileNumber): Promise<boolean> {
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

/**
 * Does what `takeOut` does, at once. Returns a promise when the disk becomes slow meanwhile, or cannot say which
 * file it is: the rest goes by `disk`. The caller need not keep the file open for that: what has the private name keeps its number.
 *
 * @throws the system's errors
 */
export function takeOutNow (now: DiskNow, disk: DiskCalls, path: string, ino: FileNumber): Promise<unknown> | undefined {
  const taken = stagingPath(path, newToken())
  try {
    now.rename(path, taken)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  if (!now.isQuick() || now.lstat(taken)?.ino !== ino || !now.isQuick()) return removeOrPutBack(disk, taken, path, ino)
  now.unlink(taken)
  return undefined
}
