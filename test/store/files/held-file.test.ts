import fs from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { descriptors } from '../../../lib/store/files/descriptors'
import type { DiskNow } from '../../../lib/store/files/disk'
import { HeldFile } from '../../../lib/store/files/held-file'
import { localDisk } from '../../../lib/store/files/local-disk'
import { passTick, systemError } from '../../support/disks'

// What the tests make themselves is private as well.
process.umask(0o077)

interface Watched { disk: DiskNow, calls: string[] }

/** Writes down which calls are made. */
function watchedDisk (changes: Partial<DiskNow> = {}): Watched {
  const calls: string[] = []
  const disk = { ...localDisk.now as DiskNow, ...changes }
  for (const name of ['open', 'close', 'fstat', 'lstat'] as const) {
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

interface Held extends Watched { held: HeldFile, path: string }

function heldFile (t: Test, changes?: Partial<DiskNow>): Held {
  const path = join(t.testdir({ sub: { file: 'text' } }), 'sub', 'file')
  const watched = watchedDisk(changes)
  const held = new HeldFile(path, watched.disk)
  t.teardown(() => { held.release() })
  return { held, path, ...watched }
}

/** When the file was last changed, as its status tells. */
function look ({ held }: Held, now: number, ctimeMs = 0): number {
  return held.status(ctimeMs, now)?.ctimeMs ?? NaN
}

t.test('a file that nobody else changes is opened once', async t => {
  const file = heldFile(t)
  const ctimeMs = look(file, 1000)
  t.equal(ctimeMs, fs.statSync(file.path).ctimeMs)
  t.equal(file.held.status(ctimeMs, 1019)?.size, 4)
  t.equal(file.held.append(Buffer.from(' and more'), ctimeMs, 1019)?.size, 13)
  t.equal(file.held.read(5, 8).toString(), 'and')
  t.equal(file.held.read(9, 99).toString(), 'more', 'as far as there is something')
  file.held.rest()
  t.equal(fs.readFileSync(file.path, 'utf8'), 'text and more', 'what is written comes at the end')
  t.equal(file.held.append(Buffer.from('.'), fs.statSync(file.path).ctimeMs, 1019)?.size, 14)
  t.strictSame(file.calls, ['open', 'fstat', 'fstat', 'fstat', 'fstat', 'fstat', 'fstat'])
  file.held.release()
  file.held.release()
  t.equal(file.calls.at(-1), 'close')
  t.equal(file.calls.filter(call => call === 'close').length, 1)
})

t.test('is opened again after 20 ms, for its directory may be another', async t => {
  const file = heldFile(t)
  const ctimeMs = look(file, 1000)
  const sub = dirname(file.path)
  fs.renameSync(sub, `${sub}-moved`)
  fs.mkdirSync(sub)
  fs.writeFileSync(file.path, 'another')
  t.equal(file.held.status(ctimeMs, 1019)?.size, 4, 'the file itself does not show it')
  t.equal(file.held.status(ctimeMs, 1020)?.size, 7)
  fs.rmSync(sub, { recursive: true })
  t.equal(file.held.status(ctimeMs, 1040), undefined)
  t.equal(file.held.append(Buffer.from('x'), ctimeMs, 1040), undefined)
})

const events: Record<string, (path: string) => void> = {
  removed: path => { fs.unlinkSync(path) },
  replaced: path => {
    fs.writeFileSync(`${path}.new`, 'another')
    fs.renameSync(`${path}.new`, path)
  },
  'set aside': path => { fs.renameSync(path, `${path}.aside`) },
  'removed where a backup links to it': path => {
    fs.linkSync(path, `${path}.backup`)
    fs.unlinkSync(path)
  }
}

t.test('what happens to the file itself is noticed at once', async t => {
  for (const [event, happen] of Object.entries(events)) {
    const file = heldFile(t)
    const ctimeMs = look(file, 1000)
    passTick(file.path)
    happen(file.path)
    t.equal(file.held.status(ctimeMs, 1001)?.size, event === 'replaced' ? 7 : undefined, event)
    t.equal(file.calls.filter(call => call === 'close').length, 1, 'the old one is closed')
  }
})

t.test('and before anything is appended, too', async t => {
  for (const [event, happen] of Object.entries(events)) {
    const file = heldFile(t)
    const ctimeMs = look(file, 1000)
    passTick(file.path)
    happen(file.path)
    t.equal(file.held.append(Buffer.from('!'), ctimeMs, 1001)?.size, event === 'replaced' ? 8 : undefined, event)
  }
})

t.test('a file that cannot be opened to append can still be looked at', async t => {
  const file = heldFile(t, { open () { throw systemError('EACCES') } })
  t.equal(file.held.status(0, 1000)?.size, 4)
  t.strictSame(file.calls, ['open', 'lstat'])
  t.equal(file.held.status(0, 1999)?.size, 4)
  t.strictSame(file.calls, ['open', 'lstat', 'lstat'], 'it is not tried again for a second')
  t.equal(file.held.status(0, 2000)?.size, 4)
  t.strictSame(file.calls, ['open', 'lstat', 'lstat', 'open', 'lstat'])
  t.throws(() => file.held.append(Buffer.from('x'), 0, 2000), { code: 'EACCES' }, 'an append says why not')
})

t.test('no descriptor is lost when the file cannot be looked at, or not be closed', async t => {
  const file = heldFile(t, { fstat () { throw systemError('EIO') } })
  t.equal(file.held.status(0, 1000)?.size, 4)
  t.strictSame(file.calls, ['open', 'fstat', 'close', 'lstat'])

  let broken = false
  const stale = heldFile(t, {
    fstat (fd) {
      if (broken) throw systemError('ESTALE')
      return fs.fstatSync(fd)
    },
    close (fd) {
      fs.closeSync(fd)
      throw systemError('EIO')
    }
  })
  const ctimeMs = look(stale, 1000)
  broken = true
  t.equal(stale.held.status(ctimeMs, 1001)?.size, 4)
  t.strictSame(stale.calls, ['open', 'fstat', 'fstat', 'close', 'open', 'fstat', 'close', 'lstat'])
})

t.test('where too many are kept already, it is opened only to append', async t => {
  const others = Array.from({ length: 128 }, () => ({ isUsed: true, release () { descriptors.delete(this) } }))
  for (const other of others) descriptors.add(other)
  const file = heldFile(t)
  t.equal(file.held.status(0, 1000)?.size, 4)
  t.strictSame(file.calls, ['lstat'])
  t.equal(file.held.append(Buffer.from('s'), 0, 1000)?.size, 5)
  file.held.rest()
  t.strictSame(file.calls, ['lstat', 'open', 'fstat', 'fstat', 'close'])
  descriptors.closeAll()
})

t.test('a short write is an error', async t => {
  const file = heldFile(t, { write: (fd, bytes) => fs.writeSync(fd, bytes.subarray(1)) })
  t.throws(() => file.held.append(Buffer.from('xy'), 0, 1000), { code: 'ENOSPC', message: /1 of 2 bytes/ })
})
