import { constants } from 'node:fs'

/**
 * What matters of a POSIX filesystem, as a value: each call makes a new one, so that a search can
 * go on from any of them. Inodes are separate from names; a number is used again as soon as the
 * last name and the last descriptor of its inode are gone; birth times come from a clock so coarse
 * that it only moves when a process waits.
 */
export interface FileSystem {
  readonly inodes: ReadonlyMap<number, Inode>
  /** Whole paths, of directories as well. */
  readonly names: ReadonlyMap<string, number>
  /** By process and number, such as `A:3`. */
  readonly descriptors: ReadonlyMap<string, number>
  readonly clock: number
  /** Null: the rules of POSIX. */
  readonly ntfs: Ntfs | null
  /** NTFS: how many files were made so far. Numbers are not used again. */
  readonly made: number
}

/** Where it is not known for sure how NTFS does it, each way is searched. */
export interface Ntfs {
  /** Of a file that is open: `pending` until it is closed, when nothing but its name is left of it (libuv before 1.49), or `at once`. */
  readonly deletion: 'pending' | 'at once'
  /** How many names a file without one has, when it is asked by a descriptor. */
  readonly linksWithoutName: 0 | 1
}

interface Inode {
  /** Deleted, and there until the last descriptor is closed: nothing can be done with it. */
  readonly pending?: true
  readonly directory: boolean
  readonly born: number
  readonly links: number
  /** Latin-1. */
  readonly bytes: string
  /** A write that others can see a part of: who is at it, and what the file will be. */
  readonly inFlight: { readonly process: string, readonly bytes: string } | null
}

export type Call =
  | { call: 'open', path: string, flags: number }
  | { call: 'close' | 'fstat' | 'fsync' | 'fdatasync', fd: number }
  /** Without a position it appends. */
  | { call: 'write', fd: number, bytes: string, position?: number }
  | { call: 'read', fd: number, position: number, length: number }
  | { call: 'lstat' | 'unlink' | 'mkdir' | 'rmdir' | 'readdir' | 'lutimes', path: string }
  | { call: 'rename' | 'link', path: string, to: string }
  /** Not in `Disk`: for the rules that are shown to be wrong. */
  | { call: 'truncate', path: string, length: number }
  | { call: 'wait' | 'acknowledged' }

/** `unique`: the number belongs to no other file, whenever that is made. */
export interface Status { ino: number, unique: boolean, born: number, links: number, size: number, directory: boolean }
export type Result = { value?: number | string | string[] | Status } | { error: string }

/** The directory that all session files are in. */
export const ROOT = '/'
/** Directories get their numbers elsewhere than files, as on ext4. */
const FIRST_DIRECTORY = 1000

/** Nothing but the root. */
export const EMPTY: FileSystem = {
  inodes: new Map([[FIRST_DIRECTORY, { directory: true, born: 0, links: 1, bytes: '', inFlight: null }]]),
  names: new Map([[ROOT, FIRST_DIRECTORY]]),
  descriptors: new Map(),
  clock: 1,
  ntfs: null,
  made: 0
}

/** Calls that change nothing. */
const LOOKS = new Set<Call['call']>(['read', 'fstat', 'lstat', 'readdir', 'fsync', 'fdatasync', 'lutimes', 'acknowledged'])

/** No Error: a search makes millions of them, and their stacks are not used. */
class CallError {
  constructor (readonly code: string) {}
}

export function apply (before: FileSystem, process: string, call: Call): { after: FileSystem, result: Result } {
  const draft = new Draft(before, process)
  try {
    const value = draft.perform(call)
    return { after: LOOKS.has(call.call) ? before : draft, result: value === undefined ? {} : { value } }
  } catch (error) {
    if (error instanceof CallError) return { after: before, result: { error: error.code } }
    throw error
  }
}

/** Half of a write is there to be seen; the rest comes with the next call, or never. */
export function beginWrite (before: FileSystem, process: string, fd: number, bytes: string, taken: number): FileSystem {
  const draft = new Draft(before, process)
  const ino = draft.inodeOf(fd)
  const inode = draft.inode(ino)
  draft.inodes.set(ino, {
    ...inode, bytes: inode.bytes + bytes.slice(0, taken), inFlight: { process, bytes: inode.bytes + bytes }
  })
  return draft
}

/** The process is no more: its descriptors are closed, and what it was writing stays as it is. */
export function kill (before: FileSystem, process: string): FileSystem {
  const draft = new Draft(before, process)
  for (const [ino, inode] of draft.inodes) {
    if (inode.inFlight?.process === process) draft.inodes.set(ino, { ...inode, inFlight: null })
  }
  for (const descriptor of [...draft.descriptors.keys()]) {
    if (descriptor.startsWith(`${process}:`)) draft.perform({ call: 'close', fd: Number(descriptor.slice(process.length + 1)) })
  }
  return draft
}

/** Who is writing to the file behind a descriptor. */
export function writerOf (system: FileSystem, process: string, fd: number): string | null {
  const ino = system.descriptors.get(`${process}:${fd}`)
  return (ino === undefined ? undefined : system.inodes.get(ino)?.inFlight?.process) ?? null
}

/** The number of a descriptor's file. */
export function inodeAt (system: FileSystem, process: string, fd: number): number | undefined {
  return system.descriptors.get(`${process}:${fd}`)
}

/** All names of a file. */
export function namesOf (system: FileSystem, ino: number): string[] {
  return [...system.names].filter(name => name[1] === ino).map(name => name[0])
}

/** Whether the process has any file open. */
export function hasOpen (system: FileSystem, process: string): boolean {
  return [...system.descriptors.keys()].some(descriptor => descriptor.startsWith(`${process}:`))
}

/** Whether a process other than this one has the file open. */
export function isOpenElsewhere (system: FileSystem, process: string, ino: number): boolean {
  for (const [descriptor, open] of system.descriptors) {
    if (open === ino && !descriptor.startsWith(`${process}:`)) return true
  }
  return false
}

export function fileBytes (system: FileSystem, path: string): Buffer | null {
  const ino = system.names.get(path)
  return ino === undefined ? null : Buffer.from(system.inodes.get(ino)?.bytes ?? '', 'latin1')
}

/** The same text for the same state. */
export function keyOf ({ names, inodes, descriptors, clock, made }: FileSystem): string {
  const parts: string[] = []
  for (const [name, ino] of names) parts.push(`${name}=${ino}`)
  for (const [descriptor, ino] of descriptors) parts.push(`${descriptor}>${ino}`)
  for (const [ino, { directory, born, links, bytes, inFlight, pending }] of inodes) {
    parts.push(`${ino}:${directory ? 'd' : 'f'}${pending === true ? 'p' : ''}${born},${links},${inFlight === null ? '' : inFlight.process + inFlight.bytes}\0${bytes}`)
  }
  return `${clock}.${made}\0${parts.sort().join('\0')}`
}

class Draft implements FileSystem {
  readonly inodes: Map<number, Inode>
  readonly names: Map<string, number>
  readonly descriptors: Map<string, number>
  clock: number
  readonly ntfs: Ntfs | null
  made: number

  constructor (before: FileSystem, readonly process: string) {
    this.inodes = new Map(before.inodes)
    this.names = new Map(before.names)
    this.descriptors = new Map(before.descriptors)
    this.clock = before.clock
    this.ntfs = before.ntfs
    this.made = before.made
  }

  perform (call: Call): string | number | string[] | Status | undefined {
    switch (call.call) {
      case 'open': return this.#open(call.path, call.flags)
      case 'close': return this.#close(call.fd)
      case 'write': return this.#write(call.fd, call.bytes, call.position)
      case 'read': return this.inode(this.inodeOf(call.fd)).bytes.slice(call.position, call.position + call.length)
      case 'fstat': return this.#status(this.inodeOf(call.fd))
      case 'lstat': return this.#status(this.#present(call.path))
      case 'unlink': return this.#unlink(call.path)
      case 'rename': return this.#rename(call.path, call.to)
      case 'link': return this.#link(call.path, call.to)
      case 'mkdir': return this.#mkdir(call.path)
      case 'rmdir': return this.#rmdir(call.path)
      case 'readdir': return this.#children(this.#directory(call.path))
      case 'truncate': return this.#truncate(call.path, call.length)
      case 'wait': return this.#wait()
      case 'lutimes': this.#find(call.path)
        return undefined
      default: return undefined
    }
  }

  inode (ino: number): Inode {
    return this.inodes.get(ino) as Inode
  }

  inodeOf (fd: number): number {
    return this.descriptors.get(`${this.process}:${fd}`) ?? fail('EBADF')
  }

  #open (path: string, flags: number): number {
    let ino = this.names.get(path)
    if (ino === undefined) {
      if ((flags & constants.O_CREAT) === 0) fail('ENOENT')
      ino = this.#make(path, false)
    } else if (this.inode(ino).pending === true) {
      fail('EPERM')
    } else if ((flags & constants.O_EXCL) !== 0) {
      fail('EEXIST')
    } else if (this.inode(ino).directory && (flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0) {
      fail('EISDIR')
    }
    let fd = 3
    while (this.descriptors.has(`${this.process}:${fd}`)) fd++
    this.descriptors.set(`${this.process}:${fd}`, ino)
    return fd
  }

  #close (fd: number): undefined {
    const ino = this.inodeOf(fd)
    this.descriptors.delete(`${this.process}:${fd}`)
    this.#free(ino)
  }

  /** Every descriptor that is written to without a position is in append mode, or the file's only one. */
  #write (fd: number, bytes: string, position?: number): number {
    const ino = this.inodeOf(fd)
    const inode = this.inode(ino)
    let whole = inode.bytes + bytes
    if (inode.inFlight?.process === this.process) whole = inode.inFlight.bytes
    else if (position !== undefined) whole = inode.bytes.slice(0, position) + bytes + inode.bytes.slice(position + bytes.length)
    this.inodes.set(ino, { ...inode, bytes: whole, inFlight: null })
    return bytes.length
  }

  #unlink (path: string): undefined {
    const ino = this.#present(path)
    if (this.inode(ino).directory) fail(this.ntfs === null ? 'EISDIR' : 'EPERM')
    if (this.ntfs?.deletion === 'pending' && this.#isOpen(ino) && this.inode(ino).links === 1) {
      this.inodes.set(ino, { ...this.inode(ino), pending: true })
      return
    }
    this.names.delete(path)
    this.#unlinked(ino)
  }

  #isOpen (ino: number): boolean {
    return [...this.descriptors.values()].includes(ino)
  }

  /** NTFS: no directory takes the place of another, no file that of one that is open, and a directory with an open file in it stays where it is. */
  #isRefused (from: string, ino: number, over: number | undefined): boolean {
    if (over !== undefined && (this.inode(over).directory || this.#isOpen(over))) return true
    return this.inode(ino).directory && [...this.names].some(([name, inside]) => name.startsWith(`${from}/`) && this.#isOpen(inside))
  }

  #rename (from: string, to: string): undefined {
    const ino = this.#present(from)
    const { directory } = this.inode(ino)
    this.#parent(to)
    const over = this.names.get(to)
    // Two names of one file: POSIX lets both stand.
    if (over === ino) return
    if (this.ntfs !== null && this.#isRefused(from, ino, over)) fail('EPERM')
    if (over !== undefined) {
      if (directory && !this.inode(over).directory) fail('ENOTDIR')
      if (!directory && this.inode(over).directory) fail('EISDIR')
      if (directory && this.#children(to).length > 0) fail('ENOTEMPTY')
      this.names.delete(to)
      this.#unlinked(over)
    }
    for (const [name, inside] of [...this.names]) {
      if (name !== from && !name.startsWith(`${from}/`)) continue
      this.names.delete(name)
      this.names.set(to + name.slice(from.length), inside)
    }
  }

  /** A second name for a file. It takes no other file's name, and none but files has two. */
  #link (from: string, to: string): undefined {
    const ino = this.#present(from)
    this.#parent(to)
    if (this.names.has(to)) fail('EEXIST')
    const inode = this.inode(ino)
    if (inode.directory) fail('EPERM')
    this.names.set(to, ino)
    this.inodes.set(ino, { ...inode, links: inode.links + 1 })
  }

  #mkdir (path: string): undefined {
    if (this.names.has(path)) fail('EEXIST')
    this.#make(path, true)
  }

  #rmdir (path: string): undefined {
    if (this.#children(this.#directory(path)).length > 0) fail('ENOTEMPTY')
    const ino = this.#find(path)
    this.names.delete(path)
    this.#unlinked(ino)
  }

  #truncate (path: string, length: number): undefined {
    const ino = this.#find(path)
    const inode = this.inode(ino)
    this.inodes.set(ino, { ...inode, bytes: inode.bytes.slice(0, length) })
  }

  #wait (): undefined {
    for (const { born } of this.inodes.values()) {
      if (born !== this.clock) continue
      this.clock++
      return
    }
  }

  #make (path: string, directory: boolean): number {
    this.#parent(path)
    // Directories are told from each other by their times too.
    let ino = directory ? FIRST_DIRECTORY : this.ntfs === null ? 1 : 1 + this.made++
    while (this.inodes.has(ino)) ino++
    this.inodes.set(ino, { directory, born: this.clock, links: 1, bytes: '', inFlight: null })
    this.names.set(path, ino)
    return ino
  }

  #unlinked (ino: number): void {
    const inode = this.inode(ino)
    this.inodes.set(ino, { ...inode, links: inode.links - 1 })
    this.#free(ino)
  }

  #free (ino: number): void {
    const { links, pending } = this.inode(ino)
    if (this.#isOpen(ino) || (links > 0 && pending !== true)) return
    for (const name of pending === true ? namesOf(this, ino) : []) this.names.delete(name)
    this.inodes.delete(ino)
  }

  #status (ino: number): Status {
    const { born, links, bytes, directory, pending } = this.inode(ino)
    const named = pending === true ? 0 : links
    return { ino, unique: this.ntfs !== null, born, links: Math.max(named, this.ntfs?.linksWithoutName ?? 0), size: bytes.length, directory }
  }

  #find (path: string): number {
    return this.names.get(path) ?? fail('ENOENT')
  }

  /** What is there and not about to go. */
  #present (path: string): number {
    const ino = this.#find(path)
    return this.inode(ino).pending === true ? fail('EPERM') : ino
  }

  #directory (path: string): string {
    return this.inode(this.#find(path)).directory ? path : fail('ENOTDIR')
  }

  #parent (path: string): void {
    const parent = path.slice(0, path.lastIndexOf('/'))
    if (parent !== '') this.#directory(parent)
  }

  #children (path: string): string[] {
    const prefix = `${path}/`
    return [...this.names.keys()].filter(name => name.startsWith(prefix) && !name.slice(prefix.length).includes('/'))
      .map(name => name.slice(prefix.length)).sort()
  }
}

function fail (code: string): never {
  throw new CallError(code)
}
