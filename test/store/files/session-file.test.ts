import { equal } from 'node:assert/strict'
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk, DiskNow, FileNumber } from '../../../lib/store/files/disk'
import type { FileView } from '../../../lib/store/files/file-view'
import { encodeRecord } from '../../../lib/store/files/journal'
import { localDisk } from '../../../lib/store/files/local-disk'
import { LIMITS } from '../../../lib/store/files/seen-file'
import { SessionFile } from '../../../lib/store/files/session-file'
import { impatientDisk, interceptedDisk, openDescriptors, pooledDisk, readyNow, stallingDisk, systemError } from '../../support/disks'
import fc from '../../support/fast-check'
import { isClean, journalOf, recordOf, sealedJournal, textIn } from '../../support/journal-files'
import { directory, newFile, another, tipId, textOf } from '../../support/single-file'
import { rounds } from '../../support/tier'

// What the tests make themselves is private as well.
process.umask(0o077)

t.test('a file that is not there is an answer', async t => {
  const file = new SessionFile(join(directory(t), 'file'), localDisk, false)
  t.equal(await file.read(), null)
  t.equal(await file.append(recordOf('x'), 'whatever'), 'gone')
  await file.touch(Date.now())
  await file.remove()
  await file.setAside(1)
  t.strictSame(readdirSync(join(file.path, '..')), [])
})

t.test('an append that no other process comes between wins', async t => {
  const file = await newFile(t)
  const known = new SessionFile(file.path, pooledDisk, false, { known: file.view })
  t.equal(await known.append(recordOf('second'), tipId(known)), 'replaced')
  t.equal(await textOf(known), 'second')
  t.equal(await textOf(another(file)), 'second')
})

t.test('of two writers that replace the same record, the first wins', async t => {
  const file = await newFile(t)
  const other = another(file)
  await other.read()
  t.equal(await file.append(recordOf('mine'), tipId(file)), 'replaced')
  t.equal(await other.append(recordOf('theirs'), tipId(other)), 'conflict')
  t.equal(other.view?.tip?.text, 'mine', 'the loser knows who won')
  t.equal(await other.append(recordOf('theirs, again'), tipId(other)), 'replaced')
  t.equal(await textOf(file), 'theirs, again')
})

t.test('an append wins without a look before it', async t => {
  const file = await newFile(t)
  const other = another(file)
  t.equal(await other.append(recordOf('blind'), tipId(file)), 'replaced')
  t.equal(other.view?.tip?.text, 'blind')
  t.equal(await another(file).append(recordOf('too late'), tipId(file)), 'conflict')
})

t.test('an append to a file that had no whole record when it was looked at is a conflict', async t => {
  const path = join(directory(t), 'file')
  const bytes = journalOf(recordOf('text', { id: 'the tip!' }))
  writeFileSync(path, bytes.subarray(0, 20))
  const file = new SessionFile(path, localDisk, false)
  await file.read()
  t.equal(await file.append(recordOf('x'), 'the tip!'), 'conflict')
  t.equal(file.view?.tip, null)
})

t.test('an append never makes a file', async t => {
  const file = await newFile(t)
  await another(file).remove()
  t.equal(await file.append(recordOf('late'), tipId(file)), 'gone')
  t.equal(file.view, null)
  t.notOk(existsSync(file.path))
})

t.test('a file that is destroyed between open and write is gone', async t => {
  for (const known of [true, false]) {
    const file = await newFile(t)
    const disk = interceptedDisk(async (name, _given, call) => {
      if (name === 'write') unlinkSync(file.path)
      return await call()
    })
    const writer = new SessionFile(file.path, disk, false, { known: known ? file.view : null })
    t.equal(await writer.append(recordOf('late'), tipId(file)), 'gone')
    t.equal(writer.view, null)
    t.notOk(existsSync(file.path))
  }
})

t.test('an append that comes after the seal has lost, and stands nowhere', async t => {
  const file = await newFile(t)
  writeFileSync(file.path, sealedJournal('sealed'))
  const disk = interceptedDisk(async (name, _given, call) => {
    if (name === 'write') await another(file).rewrite()
    return await call()
  })
  const late = another(file, disk)
  await late.read()
  t.equal(await late.append(recordOf('late'), tipId(late)), 'conflict')
  t.equal(await textOf(late), 'sealed')
  t.ok(isClean(file.path))
})

t.test('a record that won before the file was sealed and replaced has won', async t => {
  const file = await newFile(t)
  const disk = interceptedDisk(async (name, _given, call) => {
    const result = await call()
    if (name !== 'write') return result
    const other = another(file)
    await other.read()
    appendFileSync(file.path, 'garbage')
    await other.read()
    t.equal(await other.append(recordOf('theirs'), tipId(other)), 'replaced')
    return result
  })
  const writer = new SessionFile(file.path, disk, false, { known: file.view })
  t.equal(await writer.append(recordOf('mine'), tipId(file)), 'replaced')
  t.equal(await textOf(writer), 'theirs', 'and was replaced since')
  t.ok(isClean(file.path))
})

t.test('a file that has grown too long is rewritten with its last record', async t => {
  const file = await newFile(t, 'x'.repeat(1000))
  let largest = 0
  const inodes = new Set<FileNumber>()
  for (let turn = 0; turn < 100; turn++) {
    await file.read()
    const text = `${turn} `.repeat(300)
    t.equal(await file.append(recordOf(text), tipId(file)), 'replaced')
    largest = Math.max(largest, statSync(file.path).size)
    inodes.add((await file.read())?.ino ?? 0)
    if (textIn(file.path) !== text) t.fail(`lost after turn ${turn}`)
    if (!isClean(file.path)) t.fail(`not clean after turn ${turn}`)
  }
  t.ok(largest < 16 * 1024, `${largest} bytes`)
  t.ok(inodes.size > 1)
  t.strictSame(readdirSync(join(file.path, '..')), ['file'])
})

t.test('large records get room for a few of them', async t => {
  const file = await newFile(t, 'x'.repeat(20_000))
  const sizes: number[] = []
  for (let turn = 0; turn < 9; turn++) {
    await file.read()
    await file.append(recordOf(String(turn).repeat(20_000)), tipId(file))
    sizes.push(Math.round(statSync(file.path).size / 20_000))
  }
  t.strictSame(sizes, [2, 3, 4, 5, 6, 7, 1, 2, 3])
})

t.test('a small change to a large text takes little room, and other processes read it', async t => {
  const long = 'x'.repeat(20_000)
  const file = await newFile(t, `${long}0${long}`)
  const other = another(file)
  await other.read()
  const { size } = statSync(file.path)
  for (let turn = 1; turn <= 100; turn++) {
    const writer = turn % 3 === 0 ? other : file
    await writer.read()
    t.equal(await writer.append(recordOf(`${long}${turn}${long}`), tipId(writer)), 'replaced')
  }
  t.ok(statSync(file.path).size < size + 100 * 60)
  for (const each of [file, other, another(file)]) t.equal(await textOf(each), `${long}100${long}`)
})

t.test('of two patches of one record, the first wins', async t => {
  const long = 'x'.repeat(2000)
  const file = await newFile(t, `00${long}`)
  const other = another(file)
  await other.read()
  t.equal(await file.append(recordOf(`01${long}`), tipId(file)), 'replaced')
  t.equal(await other.append(recordOf(`10${long}`), tipId(other)), 'conflict')
  t.equal(await other.append(recordOf(`11${long}`), tipId(other)), 'replaced')
  t.equal(await textOf(another(file)), `11${long}`)
})

t.test('whatever several processes write, and whoever is behind, changes say what whole texts would', async t => {
  const dir = directory(t)
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\0', 'é', '😀', 'FFS1'), maxLength: 30 })
  const step = fc.record({
    by: fc.nat(2),
    reads: fc.boolean(),
    at: fc.nat(200),
    removed: fc.nat(60),
    added: text,
    event: fc.constantFrom('', '', '', '', 'torn', 'forget')
  })
  let files = 0
  await fc.assert(fc.asyncProperty(fc.string({ unit: fc.constantFrom('a', 'é', '😀'), maxLength: 300 }), fc.array(step, { maxLength: 40 }), async (first, steps) => {
    const path = join(dir, `${++files}`)
    const limits = { ...LIMITS, size: 2000, patchFrom: 0 }
    const processes = [0, 1, 2].map(() => new SessionFile(path, localDisk, false, { limits }))
    await processes[0]?.create(recordOf(first))
    let stored = first
    for (const { by, reads, at, removed, added, event } of steps) {
      const file = processes[by] as SessionFile
      if (reads || file.view?.tip?.seal !== false) await file.read()
      // The end of a patch that was cut off: the next save begins a new file.
      if (event === 'torn') appendFileSync(path, encodeRecord(recordOf(`${stored}x`), tipId(file), recordOf(stored)).subarray(0, -1))
      const before = file.view?.tip?.text ?? ''
      const next = [...before].toSpliced(at, removed, added).join('')
      const outcome = await file.append(recordOf(next), tipId(file), event === 'forget')
      if (outcome === 'replaced') {
        equal(before, stored, 'nobody wins who is behind')
        stored = next
      }
      equal(file.view?.tip?.text, stored)
      equal(textIn(path), stored)
    }
    for (const file of processes) equal(await textOf(file), stored)
  }), { numRuns: rounds(80, 300) })
})

t.test('a text that is smaller than that is written whole', async t => {
  const text = 'x'.repeat(63)
  const file = await newFile(t, text)
  const { size } = statSync(file.path)
  t.equal(await file.append(recordOf(text), tipId(file)), 'replaced')
  t.equal(statSync(file.path).size, 2 * size)
})

t.test('a save is stored when the file cannot be rewritten, and the next save rewrites it', async t => {
  const file = await newFile(t)
  appendFileSync(file.path, 'garbage')
  const full = interceptedDisk(async (name, _given, call) => {
    if (name === 'mkdir') throw systemError('ENOSPC', name)
    return await call()
  })
  const writer = another(file, full)
  await writer.read()
  t.equal(await writer.append(recordOf('second'), tipId(writer)), 'replaced')
  t.equal(await textOf(another(file)), 'second')
  t.notOk(isClean(file.path))
  await another(file).rewrite()
  t.equal(await textOf(another(file)), 'second')
  t.ok(isClean(file.path))
})

t.test('a short write is an error for its caller, and nothing for the rest', async t => {
  const file = await newFile(t)
  const before = openDescriptors()
  const short: Disk = { ...pooledDisk, write: (fd, bytes) => localDisk.write(fd, bytes.subarray(0, bytes.length - 1)) }
  const writer = another(file, short)
  await writer.read()
  await t.rejects(async () => await writer.append(recordOf('torn'), tipId(writer)), { code: 'ENOSPC', syscall: 'write', message: /44 of 45 bytes|short write/ })
  t.equal(openDescriptors(), before)
  t.equal(await textOf(another(file)), 'first')
  await file.read()
  t.equal(await file.append(recordOf('second'), tipId(file)), 'replaced')
  t.equal(textIn(file.path), 'second')
  t.ok(isClean(file.path), 'what was torn is gone')
})

t.test('an append whose view is older than a torn one goes on behind it', async t => {
  const file = await newFile(t)
  appendFileSync(file.path, journalOf(recordOf('x')).subarray(0, 30))
  t.equal(await file.append(recordOf('second'), tipId(file)), 'replaced', 'nobody has told it of the garbage')
  t.equal(await textOf(another(file)), 'second')
  t.equal(file.view?.torn, true)
  t.equal(await file.append(recordOf('third'), tipId(file)), 'replaced')
  t.ok(isClean(file.path), 'now it knew')
  t.equal(textIn(file.path), 'third')
})

t.test('touching sets the access time and keeps the modification time', async t => {
  const file = await newFile(t)
  utimesSync(file.path, 1000, 2000)
  await file.read()
  await file.touch(5_000_000)
  const { atimeMs, mtimeMs, size } = statSync(file.path)
  t.strictSame({ atimeMs, mtimeMs }, { atimeMs: 5_000_000, mtimeMs: 2_000_000 })
  await another(file).touch(6_000_000)
  t.equal(statSync(file.path).atimeMs, 6_000_000, 'also by one who has not looked before')
  t.equal(statSync(file.path).mtimeMs, 2_000_000)
  t.equal(statSync(file.path).size, size)
})

t.test('a symbolic link is not followed', async t => {
  const dir = directory(t)
  const target = join(dir, 'target')
  writeFileSync(target, journalOf(recordOf('secret')))
  utimesSync(target, 1000, 1000)
  const link = join(dir, 'file')
  symlinkSync(target, link)
  const file = new SessionFile(link, localDisk, false)
  const before = openDescriptors()
  await t.rejects(file.read(), { code: 'ELOOP' })
  await t.rejects(async () => await file.append(recordOf('x'), 'whatever'), { code: 'ELOOP' })
  await t.rejects(file.create(recordOf('x')), { code: 'EEXIST' })
  t.equal(openDescriptors(), before)
  await file.remove()
  t.notOk(existsSync(link))
  t.equal(textIn(target), 'secret')
  t.equal(statSync(target).mtimeMs, 1_000_000)
})

t.test('the time of the last change stands for a birth time that the filesystem does not know', async t => {
  const reads: number[] = []
  const birthless: Disk = {
    ...pooledDisk,
    fstat: async fd => Object.assign(await localDisk.fstat(fd), { birthtimeMs: 0 }),
    lstat: async path => Object.assign(await localDisk.lstat(path), { birthtimeMs: 0 }),
    read: (fd, bytes, position) => {
      reads.push(position)
      return localDisk.read(fd, bytes, position)
    }
  }
  const file = await newFile(t, 'first', birthless)
  t.equal(await textOf(file), 'first')
  t.strictSame(reads, [], 'an unchanged file is known')
  utimesSync(file.path, 1, 1)
  t.equal(await textOf(file), 'first')
  const other = another(file, birthless)
  for (const text of ['second', 'third']) {
    await other.read()
    t.equal(await other.append(recordOf(text), tipId(other)), 'replaced')
    t.equal(await textOf(file), text)
  }
  t.ok(reads.every(position => position === 0), 'and a changed one is read from its start')
  writeFileSync(file.path, sealedJournal('sealed'))
  await file.rewrite()
  t.ok(isClean(file.path))
  t.equal(await textOf(file), 'sealed')
})

t.test('nothing acknowledged is lost, wherever one of two writers stalls', async t => {
  const starts: Record<string, () => Buffer> = {
    'a clean file': () => journalOf(recordOf('[]')),
    'a sealed file': () => sealedJournal('[]'),
    'a torn file': () => Buffer.concat([journalOf(recordOf('[]')), Buffer.from('FFS1 garbage')]),
    'a file about to be sealed': () => journalOf(recordOf('x'.repeat(16_350)), recordOf('[]'))
  }
  for (const [what, bytes] of Object.entries(starts)) {
    const path = join(directory(t), 'file')
    let steps = 0
    for (; steps < 100; steps++) {
      writeFileSync(path, bytes())
      const { disk, stalled, goOn } = stallingDisk(steps)
      const slow = add(new SessionFile(path, disk, false), 'slow')
      const wasStalled = await stalled(slow)
      const quick = new SessionFile(path, impatientDisk, false)
      for (const item of ['a', 'b']) await add(quick, item)
      goOn()
      await slow
      await add(quick, 'c')
      const list = JSON.parse(textIn(path) ?? 'null') as string[]
      if (!isClean(path)) t.fail(`${what}, stalled before step ${steps}: not clean`)
      if ([...list].sort().join() !== 'a,b,c,slow') t.fail(`${what}, stalled before step ${steps}: ${list.join()}`)
      t.strictSame(readdirSync(join(path, '..')), ['file'])
      if (!wasStalled) break
    }
    t.ok(steps >= 7 && steps < 100, `${what}: ${steps} steps`)
  }
})

/** Adds to the list that the file holds, as often as it takes. */
async function add (file: SessionFile, item: string): Promise<void> {
  for (;;) {
    await file.rewrite()
    const tip = (await file.read())?.tip
    if (tip == null || tip.seal) continue
    const list = JSON.parse(tip.text) as string[]
    if (await file.append(recordOf(JSON.stringify([...list, item])), tip.id) === 'replaced') return
  }
}

t.test('the appends of many writers at once are each there once', async t => {
  const file = await newFile(t, '[]')
  const names = Array.from({ length: 12 }, (_, index) => `writer ${index}`)
  await Promise.all(names.map(async name => {
    const mine = another(file)
    for (let turn = 0; turn < 5; turn++) await add(mine, `${name} ${turn}`)
  }))
  const list = JSON.parse(textIn(file.path) ?? '') as string[]
  t.equal(list.length, 60)
  t.equal(new Set(list).size, 60)
  t.ok(isClean(file.path))
  t.strictSame(readdirSync(join(file.path, '..')), ['file'])
})

t.test('trouble of any kind leaves what was stored, and no descriptor', async t => {
  for (const failing of ['open', 'write', 'fstat', 'read', 'fdatasync'] as const) {
    const file = await newFile(t)
    const before = openDescriptors()
    const disk = interceptedDisk(async (name, _given, call) => {
      if (name === failing) throw systemError('EIO', name)
      return await call()
    })
    const writer = new SessionFile(file.path, disk, true)
    await t.rejects(async () => await writer.append(recordOf('second'), tipId(file)), { code: 'EIO' }, failing)
    t.equal(openDescriptors(), before)
    const text = await textOf(another(file))
    t.ok(text === 'first' || text === 'second')
    t.ok(readFileSync(file.path).length > 0)
  }
})

/** A disk whose immediate calls go as `changes` say; the others must not be needed, but for looking back. */
function immediateDisk (changes: Partial<DiskNow> = {}): Disk {
  return {
    ...interceptedDisk(async (name, _given, call) => {
      if (name === 'open' || name === 'write' || name === 'lstat') throw systemError('EIO', name)
      return await call()
    }),
    now: readyNow(changes)
  }
}

t.test('a file that was in use moments ago is read and appended to without waiting', async t => {
  const file = await newFile(t)
  const writer = another(file, immediateDisk())
  const view = new SessionFile(file.path, immediateDisk(), false, { known: file.view })
  t.equal(view.recall(), file.view)
  t.equal(writer.recall(), undefined, 'not one that was never seen')
  t.equal(view.appendNow(recordOf('second'), tipId(view)), 'replaced')
  t.equal(view.recall()?.tip?.text, 'second')
  t.equal(await textOf(another(file)), 'second')
})

t.test('of two that append without waiting, each to what it knows, the second loses', async t => {
  const file = await newFile(t)
  const [first, second] = [1, 2].map(() => new SessionFile(file.path, immediateDisk(), false, { known: file.view })) as [SessionFile, SessionFile]
  const previous = tipId(file)
  t.equal(first.appendNow(recordOf('mine'), previous), 'replaced')
  t.equal(second.appendNow(recordOf('theirs'), previous), 'conflict')
  t.equal(second.view?.tip?.text, 'mine')
  t.equal(second.appendNow(recordOf('merged'), tipId(second)), 'replaced')
  t.equal(await textOf(another(file)), 'merged')
})

t.test('a void record in between costs a look, not the record', async t => {
  const file = await newFile(t)
  const before = openDescriptors()
  const other = new SessionFile(file.path, pooledDisk, false, { known: file.view })
  t.equal(await other.append(recordOf('void'), 'nobody..'), 'conflict')
  const writer = new SessionFile(file.path, immediateDisk(), false, { known: file.view })
  t.equal(writer.appendNow(recordOf('second'), tipId(file)), 'replaced')
  t.equal(await textOf(another(file)), 'second')
  t.equal(openDescriptors(), before)
})

t.test('a session that was destroyed is found gone without waiting', async t => {
  const file = await newFile(t)
  const late = new SessionFile(file.path, immediateDisk({
    write (fd, bytes) {
      unlinkSync(file.path)
      return localDisk.now?.write(fd, bytes) ?? 0
    }
  }), false, { known: file.view })
  t.equal(late.appendNow(recordOf('late'), tipId(file)), 'gone')
  t.notOk(existsSync(file.path))
  const known = new SessionFile(file.path, immediateDisk(), false, { known: file.view })
  t.equal(known.recall(), undefined)
  t.equal(known.appendNow(recordOf('late'), tipId(file)), undefined, 'a file that is missing is looked for again')
  const later = new SessionFile(file.path, pooledDisk, false, { known: file.view })
  t.equal(await later.append(recordOf('late'), tipId(file)), 'gone')
  t.equal(later.view, null)
})

t.test('a seal that comes after the session was destroyed saves nothing', async t => {
  const everyRecordSeals = { size: 0, fewestRecords: 0, stale: 2000, patience: 5 }
  let path = ''
  const later: Disk = {
    ...pooledDisk,
    write: async (fd, bytes) => {
      unlinkSync(path)
      return await localDisk.write(fd, bytes)
    }
  }
  for (const disk of [later]) {
    const file = await newFile(t)
    path = file.path
    const writer = new SessionFile(path, disk, false, { limits: everyRecordSeals, known: file.view })
    t.equal(await writer.append(recordOf('late'), tipId(file)), 'gone')
    t.strictSame(readdirSync(join(path, '..')), [])
  }
})

t.test('trouble without waiting is thrown, and leaves no descriptor', async t => {
  const file = await newFile(t)
  const before = openDescriptors()
  const writer = (changes: Partial<DiskNow>): SessionFile => new SessionFile(file.path, immediateDisk(changes), false, { known: file.view })
  let looks = 0
  const secondFails: DiskNow['fstat'] = fd => {
    if (++looks === 2) throw systemError('EIO')
    return (localDisk.now as DiskNow).fstat(fd)
  }
  t.throws(() => writer({ open () { throw systemError('EMFILE') } }).appendNow(recordOf('x'), tipId(file)), { code: 'EMFILE' })
  t.throws(() => writer({ fstat: secondFails }).appendNow(recordOf('y'), tipId(file)), { code: 'EIO' })
  t.throws(() => writer({ write: (fd, bytes) => localDisk.now?.write(fd, bytes.subarray(0, 30)) ?? 0 }).appendNow(recordOf('z'), tipId(file)), { code: 'ENOSPC' })
  t.equal(openDescriptors(), before)
  t.match(await another(file).read(), { tip: { text: 'y' }, torn: true })
})

t.test('what could have to wait is not done at once', async t => {
  const appended = async (t: Test, text: string, durable: boolean, changes: Partial<DiskNow>): Promise<boolean> => {
    const file = await newFile(t)
    const disk = { ...pooledDisk, now: readyNow(changes) }
    const answer = new SessionFile(file.path, disk, durable, { known: file.view }).appendNow(recordOf(text), tipId(file))
    t.ok(answer === 'replaced' || textIn(file.path) === 'first', 'or nothing has happened')
    return answer === undefined
  }
  t.notOk(await appended(t, 'small', false, {}))
  t.ok(await appended(t, 'x'.repeat(65 * 1024), false, {}), 'many bytes')
  t.ok(await appended(t, 'small', true, {}), 'what is to be synced')
  t.ok(await appended(t, 'small', false, { isReady: () => false }), 'a disk that was slow')
  const ready = { ...pooledDisk, now: readyNow() }
  const sealed = await newFile(t, 'first', ready)
  appendFileSync(sealed.path, 'garbage')
  await sealed.read()
  t.equal(sealed.appendNow(recordOf('seal'), tipId(sealed)), undefined, 'a seal')
  writeFileSync(sealed.path, sealedJournal('sealed'))
  await sealed.read()
  t.equal(sealed.appendNow(recordOf('x'), tipId(sealed)), undefined, 'after a seal')
  t.equal(new SessionFile(sealed.path, ready, false).appendNow(recordOf('x'), ''), undefined, 'a file that was never seen')
  const long = new SessionFile(sealed.path, ready, false, { known: { ...sealed.view as FileView, seenAt: performance.now() - 11_000 } })
  t.equal(long.appendNow(recordOf('x'), tipId(sealed)), undefined, 'or long ago')
})
