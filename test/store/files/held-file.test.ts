import fs from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { descriptors } from '../../../lib/store/files/descriptors'
import type { DiskNow } from '../../../lib/store/files/disk'
import { HeldFile } from '../../../lib/store/files/held-file'
import { passTick, recordingDiskNow, systemError } from '../../support/disks'

// What the tests make themselves is private as well.
process.umask(0o077)

interface Held { held: HeldFile, path: string, calls: string[] }

function heldFile (t: Test, changes?: Partial<DiskNow>): Held {
  const path = join(t.testdir({ sub: { file: 'text' } }), 'sub', 'file')
  const { disk, calls } = recordingDiskNow(changes)
  const held = new HeldFile(path, disk)
  t.teardown(() => { held.release() })
  return { held, path, calls }
}

/** How often the file was opened, or closed. */
function times ({ calls }: Held, call: 'open' | 'close'): number {
  return calls.filter(each => each === call).length
}

/** Looks at the file as one that is in use, so that it is opened. Returns when it was last changed, as its status tells. */
function look ({ held }: Held, now: number): number {
  held.status(0, now - 1)
  return held.status(0, now)?.ctimeMs ?? NaN
}

t.test('a file that no other process changes is opened once', async t => {
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
  t.equal(times(file, 'open'), 1)
  file.held.release()
  file.held.release()
  t.equal(file.calls.at(-1), 'close')
  t.equal(times(file, 'close'), 1)
})

t.test('a file is only opened when it is looked at again soon', async t => {
  const file = heldFile(t)
  for (const now of [1000, 1005, 2000]) t.equal(file.held.status(0, now)?.size, 4)
  t.equal(times(file, 'open'), 0)
  t.equal(file.held.status(0, 2004)?.size, 4)
  t.equal(times(file, 'open'), 1)
})

t.test('a file is looked for at its path after 20 ms, and is opened again only if it is another', async t => {
  const file = heldFile(t)
  const ctimeMs = look(file, 1000)
  t.equal(file.held.status(ctimeMs, 1020)?.size, 4)
  t.equal(file.held.append(Buffer.from('!'), ctimeMs, 1040)?.size, 5)
  t.strictSame(file.calls.slice(-4), ['lstat', 'lstat', 'write', 'fstat'])
  t.equal(file.held.status(fs.statSync(file.path).ctimeMs, 1059)?.size, 5)
  t.equal(file.calls.at(-1), 'fstat', 'where it was found it is for 20 ms')
  t.equal(times(file, 'open'), 1)
  fs.copyFileSync(file.path, `${file.path}.copy`)
  fs.renameSync(`${file.path}.copy`, file.path)
  const another = fs.statSync(file.path)
  file.held.status(another.ctimeMs, 1079)
  t.equal(times(file, 'close'), 1)
  t.equal(file.held.append(Buffer.from('?'), another.ctimeMs, 1079)?.size, 6)
  t.equal(fs.readFileSync(file.path, 'utf8'), 'text!?')
})

t.test('another file with the number of an earlier one is another', async t => {
  const file = heldFile(t, {
    lstat: path => {
      const status = fs.lstatSync(path)
      return Object.assign(status, { birthtimeMs: status.birthtimeMs - 1 })
    }
  })
  const ctimeMs = look(file, 1000)
  t.equal(file.held.status(ctimeMs, 1020)?.size, 4)
  t.equal(times(file, 'close'), 1)
})

t.test('nothing is appended when the disk takes long to find the file', async t => {
  let isQuick = true
  const file = heldFile(t, { isQuick: () => isQuick })
  const ctimeMs = look(file, 1000)
  isQuick = false
  t.equal(file.held.append(Buffer.from('x'), ctimeMs, 1020), undefined)
  t.equal(file.held.append(Buffer.from('x'), ctimeMs, 1021)?.size, 5, 'it was found')
})

t.test('a file is another after 20 ms when its directory is another', async t => {
  const file = heldFile(t)
  const ctimeMs = look(file, 1000)
  const sub = dirname(file.path)
  fs.renameSync(sub, `${sub}-moved`)
  fs.mkdirSync(sub)
  fs.writeFileSync(file.path, 'another')
  t.equal(file.held.status(ctimeMs, 1019)?.size, 4, 'the file itself does not show it')
  t.equal(file.held.status(ctimeMs, 1020)?.size, 7)
  t.equal(times(file, 'open'), 2)
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
    t.equal(times(file, 'close'), 1, 'the old one is closed')
  }
})

t.test('what happens to the file is noticed before anything is appended, too', async t => {
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
  look(file, 1000)
  t.equal(times(file, 'open'), 1)
  look(file, 1999)
  t.equal(file.held.status(0, 1999)?.size, 4)
  t.equal(times(file, 'open'), 1, 'it is not tried again for a second')
  t.equal(file.held.status(0, 2000)?.size, 4)
  t.equal(times(file, 'open'), 2)
  t.throws(() => file.held.append(Buffer.from('x'), 0, 2000), { code: 'EACCES' }, 'an append says why not')
})

t.test('no descriptor is lost when the file cannot be looked at, or not be closed', async t => {
  const file = heldFile(t, { fstat () { throw systemError('EIO') } })
  look(file, 1000)
  t.equal(file.held.status(0, 1000)?.size, 4)
  t.strictSame([times(file, 'open'), times(file, 'close')], [1, 1])

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
  t.strictSame([times(stale, 'open'), times(stale, 'close')], [2, 2])
})

t.test('a file is opened only to append where too many are kept already', async t => {
  const others = Array.from({ length: 128 }, () => ({ isUsed: true, release () { descriptors.delete(this) } }))
  for (const other of others) descriptors.add(other)
  const file = heldFile(t)
  t.equal(file.held.status(0, 1000)?.size, 4)
  t.equal(times(file, 'open'), 0)
  t.equal(file.held.append(Buffer.from('s'), 0, 1000)?.size, 5)
  file.held.rest()
  t.strictSame([times(file, 'open'), times(file, 'close')], [1, 1])
  descriptors.closeAll()
})

t.test('a short write is an error', async t => {
  const file = heldFile(t, { write: (fd, bytes) => fs.writeSync(fd, bytes.subarray(1)) })
  t.throws(() => file.held.append(Buffer.from('xy'), 0, 1000), { code: 'ENOSPC', message: /1 of 2 bytes/ })
})
