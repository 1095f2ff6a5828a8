import { existsSync, readdirSync, rmSync, statSync, writeFileSync, type Stats } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { descriptors } from '../../lib/store/files/descriptors'
import type { Disk, DiskNow } from '../../lib/store/files/disk'
import { localDisk } from '../../lib/store/files/local-disk'

/** The local disk with every call going through the thread pool, where it can be led elsewhere. */
export const pooledDisk: Disk = { ...localDisk, eager: undefined, now: undefined }

/** The local disk with calls of its own. */
export function diskWith (own: Partial<Disk>): Disk {
  return { ...localDisk, ...own }
}

/** Waiting takes no time here: what others do in the meantime is for the tests to say. */
export const impatientDisk: Disk = { ...pooledDisk, wait: async () => {} }

/** The lane without promises of a disk that is ready and quick, however busy the machine is, with these changes. */
export function readyNow (changes: Partial<DiskNow> = {}): DiskNow {
  return { ...localDisk.now as DiskNow, isReady: () => true, isReadyToRead: () => true, isQuick: () => true, ...changes }
}

/** A disk that is ready, whose immediate calls go as `changes` say. */
export function readyDisk (changes: Partial<DiskNow> = {}): Disk {
  return { ...impatientDisk, now: readyNow(changes) }
}

type Call = (...given: unknown[]) => Promise<unknown>

/** The local disk with every call led through `around`, which does it or does something else. */
export function interceptedDisk (around: (name: keyof Disk, given: unknown[], call: () => Promise<unknown>) => Promise<unknown>): Disk {
  const { eager, now, ...calls } = impatientDisk
  const entries = Object.entries(calls) as Array<[keyof Disk, Call]>
  return Object.fromEntries(entries.map(([name, method]) =>
    [name, (...given: unknown[]) => around(name, given, () => method(...given))])) as unknown as Disk
}

/** Writes down each call when it is done, with the path that it was for, under `root`. */
export function recordingDisk (root: string): { disk: Disk, calls: string[] } {
  const calls: string[] = []
  const paths = new Map<unknown, string>()
  const disk = interceptedDisk(async (name, given, call) => {
    const result = await call()
    const [target] = given
    if (name === 'open') paths.set(result, relative(root, target as string))
    const path = typeof target === 'string' ? relative(root, target) : paths.get(target) ?? ''
    calls.push(`${name} ${path}`.trim())
    return result
  })
  return { disk, calls }
}

/** The lane without promises, with these changes, that writes down the names of its calls. */
export function recordingDiskNow (changes: Partial<DiskNow> = {}): { disk: DiskNow, calls: string[] } {
  const calls: string[] = []
  const disk = readyNow(changes)
  for (const name of ['open', 'close', 'fstat', 'lstat', 'read', 'write', 'link', 'unlink', 'rename'] as const) {
    const call = disk[name] as (...given: unknown[]) => unknown
    Object.assign(disk, {
      [name]: (...given: unknown[]) => {
        calls.push(name)
        return call(...given)
      }
    })
  }
  return { disk, calls }
}

export interface StallingDisk {
  disk: Disk
  /** Resolves with true when the call was reached; with false when `work` was done without it. */
  stalled: (work: Promise<unknown>) => Promise<boolean>
  /** Lets the stalled call go on. */
  goOn: () => void
  /** Name of the call that stalled. */
  stalledIn: () => string | undefined
}

/** A disk whose user stalls just before the call with this number, counted from 0. */
export function stallingDisk (step: number): StallingDisk {
  let count = 0
  let goOn = (): void => {}
  let reached = (): void => {}
  let stalledIn: string | undefined
  const told = new Promise<void>(resolve => { goOn = resolve })
  const arrived = new Promise<void>(resolve => { reached = resolve })
  const disk = interceptedDisk(async (name, _given, call) => {
    if (count++ === step) {
      stalledIn = name
      reached()
      await told
    }
    return await call()
  })
  const stalled = (work: Promise<unknown>): Promise<boolean> =>
    Promise.race([arrived.then(() => true), work.then(() => false)])
  return { disk, stalled, goOn, stalledIn: () => stalledIn }
}

/** A system error, as the disk gives them. */
export function systemError (code: string, syscall = 'open'): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall })
}

/** Why a test that counts descriptors is skipped; false where it can run. */
export const noDescriptorList = existsSync('/proc/self/fd') ? false : 'there is no /proc to count descriptors in'

/**
 * Returns when a change of the file would bear another time than its last one, and a new file another
 * birth time: at once, but where clocks are coarse.
 */
export function passTick (path: string): void {
  const before = statSync(path)
  for (;;) {
    const { ctimeMs, birthtimeMs } = newFile(dirname(path))
    if (ctimeMs !== before.ctimeMs && (birthtimeMs === 0 || birthtimeMs !== before.birthtimeMs)) return
  }
}

function newFile (dir: string): Stats {
  const path = join(dir, 'clock')
  writeFileSync(path, '')
  const status = statSync(path)
  rmSync(path)
  return status
}

/** How many descriptors this process has open, beside those that it would give back. */
export function openDescriptors (): number {
  descriptors.closeAll()
  return readdirSync('/proc/self/fd').length
}
