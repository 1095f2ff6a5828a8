import { constants } from 'node:fs'
import { hasCode, isFull } from '../../errors'
import { syncDirectory, unlessMissing, type Disk, type FileNumber } from './disk'
import { newToken } from './file-names'
import { MAGIC } from './journal'

/** What an access time may lose when it is set (milliseconds). Where only days are kept, sessions in use would end. */
const COARSE = 2000
/** Some moment (milliseconds since 1970) that no file system sets by itself now. */
const LONG_AGO = Date.UTC(2020, 1, 3, 4, 5, 6)
/** Files that are made and removed one after the other, to see whether two get the same number. */
const NUMBERED = 8
/** Trouble with the disk: it says nothing of what the file system can do. */
const TROUBLE = ['EACCES', 'EIO', 'EMFILE', 'ENFILE', 'ENOENT', 'ENOMEM', 'EROFS']

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants
const TO_APPEND = O_RDWR | O_APPEND | O_NOFOLLOW
const TO_MAKE = TO_APPEND | O_CREAT | O_EXCL

interface Trial {
  /** What is said of a file system that fails. */
  fault: string
  passes: (disk: Disk, directory: string) => Promise<boolean>
}

/** Each works on names of its own in a directory of the caller's, who removes what is left there. */
const TRIALS: Trial[] = [
  { fault: 'two processes can make one file (O_EXCL)', passes: makesOnce },
  { fault: 'what one process appends another overwrites or does not see (O_APPEND)', passes: appends },
  { fault: 'a directory cannot be renamed onto an empty one, or can onto a full one', passes: locks },
  { fault: 'it has no hard links', passes: links },
  { fault: 'it does not keep access times', passes: keepsTimes }
]
const REPLACES = 'a file that is renamed over another does not take its place'
const OPEN_FILE_TRIALS: Trial[] = [
  { fault: REPLACES, passes: replacesOpen },
  { fault: 'a removed file that is open still has a name', passes: forgets }
]
const CLOSED_FILE_TRIALS: Trial[] = [{ fault: REPLACES, passes: replaces }]
const NUMBER_TRIAL: Trial = { fault: 'it gives the number of a file that was removed to a new one, as Wine does', passes: numbersOnce }
const SYNC_TRIAL: Trial = { fault: 'its directories cannot be synced', passes: syncs }

/** What is asked of a file system beside what session files need everywhere. */
export interface Needs {
  /** What is synced has to last. */
  durable: boolean
  /** A file that is open can be replaced and loses its name at once. */
  freesOpenFiles: boolean
  /** The number alone says which file it is: no other file ever has it. */
  numbersFilesOnce: boolean
}

/** Returns what the file system of the directory fails in; nothing when it can do all that session files need. */
export async function faultsOf (disk: Disk, directory: string, { durable, freesOpenFiles, numbersFilesOnce }: Needs): Promise<string[]> {
  const faults: string[] = []
  const trials = [
    ...TRIALS, ...freesOpenFiles ? OPEN_FILE_TRIALS : CLOSED_FILE_TRIALS,
    ...numbersFilesOnce ? [NUMBER_TRIAL] : [], ...durable ? [SYNC_TRIAL] : []
  ]
  for (const { fault, passes } of trials) {
    if (!await passes(disk, directory).catch(refused)) faults.push(fault)
  }
  return faults
}

/** Returns by how many milliseconds the clock of the file system is ahead of this process's; below 0: behind. */
export async function clockLead (disk: Disk, directory: string): Promise<number> {
  const before = Date.now()
  const { mtimeMs } = await withFile(disk, pathIn(directory), TO_MAKE, async fd => {
    await disk.write(fd, MAGIC)
    return await disk.fstat(fd)
  })
  return mtimeMs - Math.min(Math.max(mtimeMs, before), Date.now())
}

/** A call that the file system does not have, or refuses, is a fault of it. */
function refused (error: unknown): false {
  if (isFull(error) || hasCode(error, ...TROUBLE)) throw error
  return false
}

async function makesOnce (disk: Disk, directory: string): Promise<boolean> {
  const path = await make(disk, directory)
  return await isTaken(disk.open(path, TO_MAKE, 0o600).then(fd => disk.close(fd)))
}

async function appends (disk: Disk, directory: string): Promise<boolean> {
  const path = await make(disk, directory)
  return await withFile(disk, path, TO_APPEND, one => withFile(disk, path, TO_APPEND, async other => {
    await disk.write(one, Buffer.from('FFS1 one'))
    await disk.write(other, Buffer.from('FFS1 two'))
    await disk.write(one, Buffer.from('FFS1 three'))
    const status = await disk.lstat(path)
    const views = [status, await disk.fstat(one), await disk.fstat(other)]
    return await contents(disk, other) === 'FFS1FFS1 oneFFS1 twoFFS1 three' &&
      views.every(({ size, ino, birthtimeMs }) => size === 30 && ino === status.ino && birthtimeMs === status.birthtimeMs)
  }))
}

async function replacesOpen (disk: Disk, directory: string): Promise<boolean> {
  const path = await make(disk, directory)
  return await withFile(disk, path, TO_APPEND, async replaced =>
    await isReplaced(disk, path, directory) && (await disk.fstat(replaced)).nlink === 0)
}

async function replaces (disk: Disk, directory: string): Promise<boolean> {
  return await isReplaced(disk, await make(disk, directory), directory)
}

async function isReplaced (disk: Disk, path: string, directory: string): Promise<boolean> {
  const next = await make(disk, directory, 'next')
  const { ino } = await disk.lstat(next)
  await disk.rename(next, path)
  return (await disk.lstat(path)).ino === ino && await unlessMissing(disk.lstat(next)) === null &&
    await withFile(disk, path, TO_APPEND, fd => contents(disk, fd)) === 'FFS1next'
}

/** A file system that hides such a file under another name, as network ones do, says that it has one. */
async function forgets (disk: Disk, directory: string): Promise<boolean> {
  const inner = await makeDirectory(disk, directory)
  const path = await make(disk, inner)
  return await withFile(disk, path, TO_APPEND, async fd => {
    await disk.unlink(path)
    return (await disk.fstat(fd)).nlink === 0 && (await disk.readdir(inner)).length === 0
  })
}

/** The lock of a session file is taken in this way. */
async function locks (disk: Disk, directory: string): Promise<boolean> {
  const lock = await makeDirectory(disk, directory)
  const first = await makeDirectory(disk, directory)
  const second = await makeDirectory(disk, directory)
  const holder = await make(disk, first)
  await make(disk, second)
  await disk.rename(first, lock)
  const isRefused = await isTaken(disk.rename(second, lock))
  const [name, ...more] = await disk.readdir(lock)
  return isRefused && more.length === 0 && name !== undefined && holder.endsWith(name)
}

async function links (disk: Disk, directory: string): Promise<boolean> {
  const path = await make(disk, directory)
  const other = pathIn(directory)
  await disk.link(path, other)
  return await isTaken(disk.link(path, other)) && (await disk.lstat(other)).nlink === 2
}

async function keepsTimes (disk: Disk, directory: string): Promise<boolean> {
  const path = await make(disk, directory)
  await disk.lutimes(path, LONG_AGO / 1000, LONG_AGO / 1000)
  const { atimeMs, mtimeMs } = await disk.lstat(path)
  return Math.abs(atimeMs - LONG_AGO) <= COARSE && Math.abs(mtimeMs - LONG_AGO) <= COARSE
}

/** Where numbers are used again, that is at once: the next file has the number, or one of the next few where others make files too. */
async function numbersOnce (disk: Disk, directory: string): Promise<boolean> {
  const numbers = new Set<FileNumber>()
  for (let file = 0; file < NUMBERED; file++) {
    const path = await make(disk, directory)
    numbers.add((await disk.lstat(path)).ino)
    await disk.unlink(path)
  }
  return numbers.size === NUMBERED
}

async function syncs (disk: Disk, directory: string): Promise<boolean> {
  await syncDirectory(disk, directory)
  return true
}

/** Whether the call was refused because something stands there. */
async function isTaken (call: Promise<unknown>): Promise<boolean> {
  return await call.then(() => false, error => {
    if (hasCode(error, 'EEXIST', 'ENOTEMPTY')) return true
    throw error
  })
}

function pathIn (directory: string): string {
  return `${directory}/${newToken()}`
}

/** Makes a file that starts as a journal does, so that a sweep would remove it. */
async function make (disk: Disk, directory: string, text = ''): Promise<string> {
  const path = pathIn(directory)
  await withFile(disk, path, TO_MAKE, fd => disk.write(fd, Buffer.concat([MAGIC, Buffer.from(text)])))
  return path
}

async function makeDirectory (disk: Disk, directory: string): Promise<string> {
  const path = pathIn(directory)
  await disk.mkdir(path, 0o700)
  return path
}

async function withFile<T> (disk: Disk, path: string, flags: number, work: (fd: number) => Promise<T>): Promise<T> {
  const fd = await disk.open(path, flags, 0o600)
  try {
    return await work(fd)
  } finally {
    await disk.close(fd)
  }
}

async function contents (disk: Disk, fd: number): Promise<string> {
  const bytes = Buffer.alloc(64)
  return bytes.toString('latin1', 0, await disk.read(fd, bytes, 0))
}
