import fs from 'node:fs'
import { join } from 'node:path'
import type { Disk } from '../../lib/store/files/disk'
import { interceptedDisk, systemError } from './disks'

interface Inode {
  /** Keeps the number from being used again. */
  pin: number
  /** What is on the platter. */
  bytes: Buffer
  /** What was written since: from, to. */
  dirty: Array<[from: number, to: number]>
}

/**
 * A disk that loses what was not synced when the power is cut. A sync that fails does what Linux
 * does: it tells its caller, and counts what was to be written as written.
 */
export class VolatileDisk {
  /** So many of the next syncs of files fail. */
  failures = 0
  /** Called before each call. May fail. */
  before: (name: keyof Disk) => unknown = () => {}
  readonly #inodes = new Map<number, Inode>()
  /** The files that a directory has on the platter, by name. */
  readonly #entries = new Map<string, Map<string, number>>()
  readonly #open = new Map<number, string>()

  readonly disk = interceptedDisk(async (name, given, call) => {
    await this.before(name)
    switch (name) {
      case 'open': return this.#opened(await call() as number, given[0] as string)
      case 'write': return await this.#write(given as [number, Buffer, number?], call as () => Promise<number>)
      case 'fdatasync': return this.#sync(given[0] as number)
      case 'fsync': return this.#syncDirectory(this.#open.get(given[0] as number) as string)
      default: return await call()
    }
  })

  /** Leaves of the files in this directory what is on the platter. */
  cutPower (directory: string): void {
    for (const name of fs.readdirSync(directory)) fs.rmSync(join(directory, name), { recursive: true })
    for (const [name, ino] of this.#entries.get(directory) ?? []) {
      fs.writeFileSync(join(directory, name), this.#inodes.get(ino)?.bytes ?? '', { mode: 0o600 })
    }
  }

  close (): void {
    for (const { pin } of this.#inodes.values()) fs.closeSync(pin)
  }

  #opened (fd: number, path: string): number {
    const status = fs.fstatSync(fd)
    this.#open.set(fd, path)
    if (status.isFile() && !this.#inodes.has(status.ino)) {
      this.#inodes.set(status.ino, { pin: fs.openSync(path, 'r'), bytes: Buffer.alloc(0), dirty: [] })
    }
    return fd
  }

  async #write ([fd, , position]: [number, Buffer, number?], call: () => Promise<number>): Promise<number> {
    const { ino, size } = fs.fstatSync(fd)
    const from = position ?? size
    const written = await call()
    this.#inodes.get(ino)?.dirty.push([from, from + written])
    return written
  }

  #sync (fd: number): void {
    const inode = this.#inodes.get(fs.fstatSync(fd).ino) as Inode
    const dirty = inode.dirty.splice(0)
    if (this.failures > 0) {
      this.failures--
      throw systemError('EIO', 'fdatasync')
    }
    const { size } = fs.fstatSync(inode.pin)
    const bytes = Buffer.alloc(size)
    inode.bytes.copy(bytes)
    for (const [from, to] of dirty) fs.readSync(inode.pin, bytes, from, to - from, from)
    inode.bytes = bytes
  }

  #syncDirectory (directory: string): void {
    const entries = fs.readdirSync(directory, { withFileTypes: true }).filter(entry => entry.isFile())
    this.#entries.set(directory, new Map(entries.map(({ name }) => [name, fs.statSync(join(directory, name)).ino])))
  }
}
