import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Disk } from '../../../lib/store/files/disk'
import { localDisk } from '../../../lib/store/files/local-disk'
import { replaceSealed, takeAway } from '../../../lib/store/files/seal'
import { SessionFile } from '../../../lib/store/files/session-file'
import { impatientDisk, interceptedDisk, passTick, pooledDisk, recordingDisk, stallingDisk, systemError } from '../../support/disks'
import { isClean, recordOf, sealedJournal, textIn } from '../../support/journal-files'
import { beside, seal, sealedFile } from '../../support/sealed-files'

const LIMITS = { stale: 2000, patience: 5 }

const FIRST = '00000000000000f1'

const SECOND = '00000000000000f2'

/** Calls of a rewrite, in their order. There are others between them. */
const REWRITING = /mkdir .*open .*write .*fdatasync .*rename .*lstat .*rename .*rmdir/

async function rewrite (file: SessionFile): Promise<void> {
  await file.rewrite()
}

/** Saves as the store does: rewrites what is sealed, then appends until it has won. */
async function save (file: SessionFile, text: string): Promise<'replaced' | 'gone'> {
  for (;;) {
    await rewrite(file)
    const view = await file.read()
    if (view === null || view.tip === null) return 'gone'
    if (view.tip.seal) continue
    const outcome = await file.append(recordOf(text), view.tip.id)
    if (outcome !== 'conflict') return outcome
  }
}

/** Takes the file away for good, as far as its lock and its rewriting go. */
async function destroy (path: string, disk: Disk = impatientDisk): Promise<void> {
  await takeAway({ path, disk, limits: LIMITS }, () => disk.unlink(path))
}

/**
 * Has `work` stall at each of its calls in turn while `meanwhile` is done, and then go on. Returns the
 * names of the calls, in their order.
 */
async function stalledAtEachCall (
  path: string, work: (disk: Disk) => Promise<unknown>, meanwhile: () => Promise<void>, afterwards: (where: string) => void
): Promise<string> {
  const names: Array<string | undefined> = []
  for (;;) {
    seal(path)
    const { disk, stalled, goOn, stalledIn } = stallingDisk(names.length)
    const working = work(disk)
    if (!await stalled(working)) return names.join(' ')
    await meanwhile()
    goOn()
    await working
    afterwards(`stalled before call ${names.push(stalledIn())}, ${stalledIn()}`)
  }
}

/** A process that died: from its next call on, nothing that it does ever ends. Resolves with the call's name. */
function dyingDisk (step: number): { disk: Disk, dead: Promise<string> } {
  let count = 0
  let die = (_name: string): void => {}
  const dead = new Promise<string>(resolve => { die = resolve })
  const disk = interceptedDisk((name, _given, call) => {
    if (count++ < step) return call()
    die(name)
    return new Promise(() => {})
  })
  return { disk, dead }
}

t.test('a sealed file makes room for a new journal that starts with the last record', async t => {
  const path = sealedFile(t, 'the text')
  const file = new SessionFile(path, localDisk, false)
  const sealed = await file.read()
  await rewrite(file)
  const now = await file.read()
  t.strictSame(now?.tip, { ...sealed?.tip, seal: false }, 'the same record, its id included')
  t.not(now?.ino, sealed?.ino)
  t.ok(isClean(path))
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.strictSame(beside(path), ['file'], 'nothing else stays')
})

t.test('a file that is not sealed, or not there, is left alone', async t => {
  const path = sealedFile(t)
  await rewrite(new SessionFile(path, localDisk, false))
  const before = statSync(path)
  await rewrite(new SessionFile(path, pooledDisk, false))
  t.equal(statSync(path).ino, before.ino)
  await rewrite(new SessionFile(`${path}-none`, localDisk, false))
  t.strictSame(beside(path), ['file'])
})

t.test('with durability fsync the new journal is on the disk before it is put in place, and its entry after', async t => {
  const path = sealedFile(t)
  const dir = join(path, '..')
  const { disk, calls } = recordingDisk(dir)
  await rewrite(new SessionFile(path, disk, true))
  const steps = calls.map(call => call.replaceAll(/[0-9a-f]{16}/g, 'TOKEN'))
  const synced = steps.indexOf('fdatasync file.TOKEN.tmp/TOKEN')
  const locked = steps.indexOf('rename file.TOKEN.tmp')
  const placed = steps.indexOf('rename file.lock/TOKEN')
  const entry = steps.indexOf('fsync')
  t.ok(synced !== -1 && synced < locked && locked < placed && placed < entry, steps.join('\n'))
})

t.test('a write that takes only a part is gone on with', async t => {
  const path = sealedFile(t, 'a longer text, written in pieces')
  const disk = interceptedDisk((name, given, call) => {
    if (name !== 'write') return call()
    const [fd, bytes] = given as [number, Buffer]
    return localDisk.write(fd, bytes.subarray(0, 7))
  })
  await rewrite(new SessionFile(path, disk, false))
  t.equal(textIn(path), 'a longer text, written in pieces')
  t.ok(isClean(path))
})

t.test('a process that stalls while it rewrites, at whichever step, puts no old file over a newer one', async t => {
  const path = sealedFile(t)
  const calls = await stalledAtEachCall(path, disk => rewrite(new SessionFile(path, disk, false)), async () => {
    const other = new SessionFile(path, impatientDisk, false)
    t.equal(await save(other, 'newer'), 'replaced')
    t.equal(await save(other, 'newest'), 'replaced')
  }, where => {
    t.equal(textIn(path), 'newest', where)
    t.ok(isClean(path))
    t.strictSame(beside(path), ['file'], 'both have tidied up')
  })
  t.match(calls, REWRITING)
})

t.test('a process that dies while it rewrites, at whichever step, is in no other\'s way', async t => {
  const calls: string[] = []
  for (;;) {
    const path = sealedFile(t)
    const { disk, dead } = dyingDisk(calls.length)
    const diedIn = await Promise.race([dead, rewrite(new SessionFile(path, disk, false)).then(() => null)])
    if (diedIn === null) break
    calls.push(diedIn)
    const other = new SessionFile(path, impatientDisk, false)
    t.equal(await save(other, 'newer'), 'replaced', `dead before call ${calls.length}, ${diedIn}`)
    t.equal(textIn(path), 'newer')
    t.ok(beside(path).every(name => /^file(\.[0-9a-f]{16}\.tmp|\.lock)?$/.test(name)), 'at most directories are left')

    // Another file, with a birth time of its own: a file that is known only ever grows.
    passTick(path)
    rmSync(path)
    seal(path, 'sealed again')
    t.equal(await save(other, 'newest'), 'replaced')
    t.equal(textIn(path), 'newest', 'nor the next time')
    t.ok(beside(path).every(name => /^file(\.[0-9a-f]{16}\.tmp)?$/.test(name)), 'and the next rewrite takes an empty lock away')
  }
  t.match(calls.join(' '), REWRITING)
})

t.test('what dead processes left is in no rewrite\'s way', async t => {
  const leftovers: Record<string, (path: string) => void> = {
    'a staging directory with a journal': path => {
      mkdirSync(`${path}.0123456789abcdef.tmp`)
      writeFileSync(`${path}.0123456789abcdef.tmp/0123456789abcdef`, sealedJournal('old'))
    },
    'a lock that holds a journal': path => {
      mkdirSync(`${path}.lock`)
      writeFileSync(`${path}.lock/0123456789abcdef`, sealedJournal('old'))
    },
    'an empty lock': path => { mkdirSync(`${path}.lock`) }
  }
  for (const [what, leave] of Object.entries(leftovers)) {
    const path = sealedFile(t)
    leave(path)
    await rewrite(new SessionFile(path, impatientDisk, false))
    t.equal(textIn(path), 'sealed', what)
    t.ok(isClean(path))
    t.notOk(existsSync(`${path}.lock`))
  }
})

t.test('a lock is taken away only from a holder that makes no progress for two seconds', async t => {
  const path = sealedFile(t)
  const lock = `${path}.lock`
  mkdirSync(lock)
  writeFileSync(join(lock, FIRST), '')
  let waited = 0
  let sinceChange = 0
  const disk: Disk = {
    ...pooledDisk,
    wait: async milliseconds => {
      t.notOk(readdirSync(lock).length === 0, 'it is held all the time')
      waited += milliseconds
      sinceChange += milliseconds
      if (waited === 1500) {
        await localDisk.rename(join(lock, FIRST), join(lock, SECOND))
        // The clock of the file system may not have gone on since the lock was made.
        utimesSync(lock, 5, 5)
        sinceChange = 0
      }
    }
  }
  await rewrite(new SessionFile(path, disk, false))
  t.equal(waited, 3500, 'the second holder got its own two seconds')
  t.equal(sinceChange, 2000)
  t.ok(isClean(path))
  t.strictSame(beside(path), ['file'])
})

t.test('a holder that is done while another waits leaves nothing to do', async t => {
  const path = sealedFile(t, 'text')
  const lock = `${path}.lock`
  mkdirSync(lock)
  writeFileSync(join(lock, FIRST), 'its journal')
  const disk: Disk = {
    ...pooledDisk,
    wait: async () => {
      await localDisk.rename(join(lock, FIRST), path)
      writeFileSync(join(lock, SECOND), '')
    }
  }
  await rewrite(new SessionFile(path, disk, false))
  t.equal(readFileSync(path, 'utf8'), 'its journal')
  t.strictSame(beside(path), ['file', 'file.lock'])
  t.strictSame(readdirSync(lock), [SECOND], 'and the lock is no business of its own')
})

t.test('a lock that is given back just when another process looks for its holder is taken', async t => {
  const path = sealedFile(t, 'text')
  const lock = `${path}.lock`
  mkdirSync(lock)
  writeFileSync(join(lock, FIRST), '')
  let looks = 0
  const disk = interceptedDisk(async (name, _given, call) => {
    if (name === 'readdir' && looks++ === 0) {
      await localDisk.unlink(join(lock, FIRST))
      await localDisk.rmdir(lock)
    }
    return await call()
  })
  await rewrite(new SessionFile(path, disk, false))
  t.equal(looks, 1)
  t.ok(isClean(path))
  t.strictSame(beside(path), ['file'])
})

t.test('many rewriters at once agree on one new file', async t => {
  const path = sealedFile(t, 'text')
  const files = Array.from({ length: 8 }, () => new SessionFile(path, localDisk, false))
  await Promise.all(files.map(rewrite))
  t.equal(textIn(path), 'text')
  t.ok(isClean(path))
  t.strictSame(beside(path), ['file'])
})

t.test('destroyed stays destroyed, wherever the process that rewrites stalls', async t => {
  const path = sealedFile(t)
  const calls = await stalledAtEachCall(path, disk => rewrite(new SessionFile(path, disk, false)), async () => {
    await destroy(path)
    t.notOk(existsSync(path))
  }, where => { t.strictSame(beside(path), [], where) })
  t.match(calls, REWRITING)
})

t.test('destroyed stays destroyed, wherever the process that destroys stalls', async t => {
  const path = sealedFile(t)
  const calls = await stalledAtEachCall(path, disk => destroy(path, disk), async () => {
    await save(new SessionFile(path, impatientDisk, false), 'newer')
  }, where => { t.strictSame(beside(path), [], where) })
  t.match(calls, /lstat .*unlink/)
})

t.test('destroyed stays destroyed, wherever both of them stall', async t => {
  const path = sealedFile(t)
  const pairs = new Set<string>()
  let rewriterStalled = true
  for (let first = 0; rewriterStalled; first++) {
    let removerStalled = true
    for (let second = 0; removerStalled; second++) {
      seal(path)
      const rewriter = stallingDisk(first)
      const rewriting = rewrite(new SessionFile(path, rewriter.disk, false))
      rewriterStalled = await rewriter.stalled(rewriting)
      const remover = stallingDisk(second)
      const removing = destroy(path, remover.disk)
      removerStalled = await remover.stalled(removing)
      rewriter.goOn()
      await rewriting
      remover.goOn()
      await removing
      pairs.add(`${rewriter.stalledIn()} ${remover.stalledIn()}`)
      if (beside(path).length > 0) t.strictSame(beside(path), [], `stalled before ${first} and ${second}`)
    }
  }
  for (const first of ['mkdir', 'open', 'write', 'fdatasync', 'rename', 'lstat', 'rmdir']) {
    for (const second of ['lstat', 'unlink']) t.ok(pairs.has(`${first} ${second}`), `${first} and ${second}`)
  }
})

t.test('what is set aside keeps its bytes and leaves its name', async t => {
  const path = sealedFile(t)
  const bytes = readFileSync(path)
  const file = new SessionFile(path, localDisk, false)
  await file.setAside(1700000000000)
  t.strictSame(beside(path), ['file.1700000000000.aside'])
  t.strictSame(readFileSync(`${path}.1700000000000.aside`), bytes)
  t.equal(await file.read(), null)
  await file.setAside(1700000000001)
  t.strictSame(beside(path), ['file.1700000000000.aside'], 'what is not there cannot be set aside')
})

t.test('set aside stays set aside, wherever the process that rewrites stalls', async t => {
  const path = sealedFile(t)
  const calls = await stalledAtEachCall(path, disk => rewrite(new SessionFile(path, disk, false)), async () => {
    await takeAway({ path, disk: impatientDisk, limits: LIMITS }, () => impatientDisk.rename(path, `${path}.1.aside`))
  }, where => {
    t.strictSame(beside(path), ['file.1.aside'], where)
    t.equal(textIn(`${path}.1.aside`), 'sealed')
  })
  t.match(calls, REWRITING)
})

t.test('a holder that finds the file changed after all takes its journal back', async t => {
  const path = sealedFile(t)
  const file = new SessionFile(path, localDisk, false)
  await replaceSealed(file, recordOf('mine'), { ino: 0, born: 0 }, async () => false)
  t.equal(textIn(path), 'sealed')
  t.strictSame(beside(path), ['file'])
  await replaceSealed(file, recordOf('mine'), { ino: 0, born: 0 }, async () => true)
  t.equal(textIn(path), 'mine')
  t.strictSame(beside(path), ['file'])
})

t.test('trouble while rewriting leaves the sealed file readable, and nothing behind', async t => {
  const troubles: Array<[keyof Disk, string]> = [
    ['mkdir', 'ENOSPC'], ['open', 'EMFILE'], ['write', 'ENOSPC'], ['fdatasync', 'EIO'], ['rename', 'EACCES'], ['rmdir', 'EIO']]
  for (const [failing, code] of troubles) {
    const path = sealedFile(t, 'text')
    const file = new SessionFile(path, localDisk, true)
    const known = await file.read()
    const disk = interceptedDisk(async (name, _given, call) => {
      if (name === failing) throw systemError(code, name)
      return await call()
    })
    await t.rejects(rewrite(new SessionFile(path, disk, true, { known })), { code }, failing)
    t.equal(textIn(path), 'text')
    if (failing !== 'rmdir') t.strictSame(beside(path), ['file'], failing)
    await rewrite(file)
    t.ok(isClean(path), 'works again afterwards')
    t.notOk(existsSync(`${path}.lock`) && failing !== 'rmdir')
  }
})

t.test('takeAway says whether the file was found', async t => {
  const path = sealedFile(t)
  const file = { path, disk: pooledDisk, limits: LIMITS }
  t.equal(await takeAway(file, () => pooledDisk.unlink(path)), true)
  t.equal(await takeAway(file, () => pooledDisk.unlink(path)), false)
})

t.test('a process that loses the lock each time gives up', async t => {
  const path = sealedFile(t)
  let losses = 0
  const robbed: Disk = {
    ...impatientDisk,
    async rename (from, to) {
      if (to === path) {
        losses++
        unlinkSync(from)
      }
      await impatientDisk.rename(from, to)
    }
  }
  await t.rejects(new SessionFile(path, robbed, false).rewrite(), { code: 'SESSION_FILE', message: /other processes take its lock again and again/ })
  t.equal(losses, 3)
  t.strictSame(beside(path), ['file'], 'nothing is left in the way of others')
  t.equal(textIn(path), 'sealed')
})

t.test('a process that cannot put the new file in place leaves no lock to others', async t => {
  const path = sealedFile(t)
  const { rename, unlink } = impatientDisk
  const refused: Disk = { ...impatientDisk, async rename (from, to) { if (to === path) throw systemError('EIO', 'rename'); await rename(from, to) } }
  await t.rejects(new SessionFile(path, refused, false).rewrite(), { code: 'EIO' })
  t.strictSame(beside(path), ['file'])
  const broken: Disk = { ...refused, async unlink (name) { if (name.includes('.lock/')) throw systemError('EROFS', 'unlink'); await unlink(name) } }
  await t.rejects(new SessionFile(path, broken, false).rewrite(), { code: 'EIO' }, 'the first error is the one that counts')
  t.strictSame(beside(path), ['file', 'file.lock'])
})
