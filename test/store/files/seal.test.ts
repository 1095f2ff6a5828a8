import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../../lib/store/files/disk'
import { localDisk } from '../../../lib/store/files/local-disk'
import { replaceSealed, takeLockAway } from '../../../lib/store/files/seal'
import { SessionFile } from '../../../lib/store/files/session-file'
import { impatientDisk, interceptedDisk, pooledDisk, recordingDisk, stallingDisk, systemError } from '../../support/disks'
import { isClean, recordOf, sealedJournal, textIn } from '../../support/journal-files'

/** Steps that no way of a rewrite, an append or a removal has. */
const BEYOND = 100

function sealedFile (t: Test, text = 'sealed'): string {
  const dir = join(t.testdir(), 'sessions')
  mkdirSync(dir, { mode: 0o700 })
  writeFileSync(join(dir, 'file'), sealedJournal(text), { mode: 0o600 })
  return join(dir, 'file')
}

function beside (path: string): string[] {
  return readdirSync(join(path, '..')).sort()
}

/** Saves as the store does: rewrites what is sealed, then appends until it has won. */
async function save (file: SessionFile, text: string): Promise<'won' | 'gone'> {
  for (;;) {
    await file.unseal()
    const view = await file.read()
    if (view === null || view.tip === null) return 'gone'
    if (view.tip.seal) continue
    const outcome = await file.append(recordOf(text), view.tip.id)
    if (outcome !== 'lost') return outcome
  }
}

/** A process that died: from its next call on, nothing that it does ever ends. */
function dyingDisk (step: number): { disk: Disk, dead: Promise<void> } {
  let count = 0
  let die = (): void => {}
  const dead = new Promise<void>(resolve => { die = resolve })
  const disk = interceptedDisk((_name, _given, call) => {
    if (count++ < step) return call()
    die()
    return new Promise(() => {})
  })
  return { disk, dead }
}

t.test('a sealed file makes room for a new journal that starts with the last record', async t => {
  const path = sealedFile(t, 'the text')
  const file = new SessionFile(path, localDisk, false)
  const sealed = await file.read()
  await file.unseal()
  const now = await file.read()
  t.strictSame(now?.tip, { ...sealed?.tip, seal: false }, 'the same record, its id included')
  t.not(now?.ino, sealed?.ino)
  t.ok(isClean(path))
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.strictSame(beside(path), ['file'], 'nothing else stays')
})

t.test('a file that is not sealed, or not there, is left alone', async t => {
  const path = sealedFile(t)
  await new SessionFile(path, localDisk, false).unseal()
  const before = statSync(path)
  const { disk, calls } = recordingDisk(join(path, '..'))
  await new SessionFile(path, disk, false).unseal()
  t.equal(statSync(path).ino, before.ino)
  t.notMatch(calls.join(), /mkdir|rename|write/)
  await new SessionFile(`${path}-none`, localDisk, false).unseal()
  t.strictSame(beside(path), ['file'])
})

t.test('with durability fsync the new journal is on the disk before it is put in place, and its entry after', async t => {
  const path = sealedFile(t)
  const dir = join(path, '..')
  const { disk, calls } = recordingDisk(dir)
  await new SessionFile(path, disk, true).unseal()
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
  await new SessionFile(path, disk, false).unseal()
  t.equal(textIn(path), 'a longer text, written in pieces')
  t.ok(isClean(path))
})

t.test('whoever stalls while it rewrites, at whichever step, puts no old file over a newer one', async t => {
  const path = sealedFile(t)
  let steps = 0
  for (; steps < BEYOND; steps++) {
    writeFileSync(path, sealedJournal('sealed'))
    const { disk, stalled, goOn } = stallingDisk(steps)
    const rewriting = new SessionFile(path, disk, false).unseal()
    if (!await stalled(rewriting)) break
    const other = new SessionFile(path, impatientDisk, false)
    t.equal(await save(other, 'newer'), 'won')
    t.equal(await save(other, 'newest'), 'won')
    goOn()
    await rewriting
    t.equal(textIn(path), 'newest', `stalled before step ${steps}`)
    t.ok(isClean(path))
    t.strictSame(beside(path), ['file'], 'both have tidied up')
  }
  t.ok(steps > 12 && steps < BEYOND, `${steps} steps`)
})

t.test('whoever dies while it rewrites, at whichever step, is in nobody\'s way', async t => {
  let steps = 0
  for (; steps < BEYOND; steps++) {
    const path = sealedFile(t)
    const { disk, dead } = dyingDisk(steps)
    const rewriting = new SessionFile(path, disk, false).unseal()
    if (!await Promise.race([dead.then(() => true), rewriting.then(() => false)])) break
    const other = new SessionFile(path, impatientDisk, false)
    t.equal(await save(other, 'newer'), 'won', `dead before step ${steps}`)
    t.equal(textIn(path), 'newer')
    t.ok(beside(path).every(name => /^file(\.[0-9a-f]{16}\.tmp|\.lock)?$/.test(name)), 'at most directories are left')

    writeFileSync(path, sealedJournal('sealed again'))
    t.equal(await save(other, 'newest'), 'won')
    t.equal(textIn(path), 'newest', 'nor the next time')
    t.ok(beside(path).every(name => /^file(\.[0-9a-f]{16}\.tmp)?$/.test(name)), 'and the next rewrite takes an empty lock away')
  }
  t.ok(steps > 12 && steps < BEYOND, `${steps} steps`)
})

t.test('leftovers of the dead', async t => {
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
    await new SessionFile(path, impatientDisk, false).unseal()
    t.equal(textIn(path), 'sealed', what)
    t.ok(isClean(path))
    t.notOk(existsSync(`${path}.lock`))
  }
})

t.test('a lock is taken away only from one who makes no progress for two seconds', async t => {
  const path = sealedFile(t)
  const lock = `${path}.lock`
  mkdirSync(lock)
  writeFileSync(join(lock, 'first holder'), '')
  let waited = 0
  let sinceChange = 0
  const disk: Disk = {
    ...pooledDisk,
    wait: async milliseconds => {
      t.notOk(readdirSync(lock).length === 0, 'it is held all the time')
      waited += milliseconds
      sinceChange += milliseconds
      if (waited === 1500) {
        await localDisk.rename(join(lock, 'first holder'), join(lock, 'second holder'))
        sinceChange = 0
      }
    }
  }
  await new SessionFile(path, disk, false).unseal()
  t.equal(waited, 3500, 'the second holder got its own two seconds')
  t.equal(sinceChange, 2000)
  t.ok(isClean(path))
  t.strictSame(beside(path), ['file'])
})

t.test('a holder that is done while another waits leaves nothing to do', async t => {
  const path = sealedFile(t, 'text')
  const lock = `${path}.lock`
  mkdirSync(lock)
  writeFileSync(join(lock, 'holder'), 'its journal')
  const disk: Disk = {
    ...pooledDisk,
    wait: async () => {
      await localDisk.rename(join(lock, 'holder'), path)
      writeFileSync(join(lock, 'next holder'), '')
    }
  }
  await new SessionFile(path, disk, false).unseal()
  t.equal(readFileSync(path, 'utf8'), 'its journal')
  t.strictSame(beside(path), ['file', 'file.lock'])
  t.strictSame(readdirSync(lock), ['next holder'], 'and the lock is no business of its own')
})

t.test('a lock that is given back just when another looks who holds it', async t => {
  const path = sealedFile(t, 'text')
  const lock = `${path}.lock`
  mkdirSync(lock)
  writeFileSync(join(lock, 'holder'), '')
  let looks = 0
  const disk = interceptedDisk(async (name, _given, call) => {
    if (name === 'readdir' && looks++ === 0) {
      await localDisk.unlink(join(lock, 'holder'))
      await localDisk.rmdir(lock)
    }
    return await call()
  })
  await new SessionFile(path, disk, false).unseal()
  t.equal(looks, 1)
  t.ok(isClean(path))
  t.strictSame(beside(path), ['file'])
})

t.test('many at once agree on one new file', async t => {
  const path = sealedFile(t, 'text')
  const files = Array.from({ length: 8 }, () => new SessionFile(path, localDisk, false))
  await Promise.all(files.map(file => file.unseal()))
  t.equal(textIn(path), 'text')
  t.ok(isClean(path))
  t.strictSame(beside(path), ['file'])
})

t.test('destroyed stays destroyed, wherever the one who rewrites stalls', async t => {
  const path = sealedFile(t)
  let steps = 0
  for (; steps < BEYOND; steps++) {
    writeFileSync(path, sealedJournal('sealed'))
    const { disk, stalled, goOn } = stallingDisk(steps)
    const rewriting = new SessionFile(path, disk, false).unseal()
    if (!await stalled(rewriting)) break
    await new SessionFile(path, impatientDisk, false).remove()
    t.notOk(existsSync(path))
    goOn()
    await rewriting
    t.strictSame(beside(path), [], `stalled before step ${steps}`)
  }
  t.ok(steps > 12 && steps < BEYOND, `${steps} steps`)
})

t.test('destroyed stays destroyed, wherever the one who destroys stalls', async t => {
  const path = sealedFile(t)
  let steps = 0
  for (; steps < BEYOND; steps++) {
    writeFileSync(path, sealedJournal('sealed'))
    const { disk, stalled, goOn } = stallingDisk(steps)
    const removing = new SessionFile(path, disk, false).remove()
    if (!await stalled(removing)) break
    await save(new SessionFile(path, impatientDisk, false), 'newer')
    goOn()
    await removing
    t.strictSame(beside(path), [], `stalled before step ${steps}`)
  }
  t.ok(steps >= 6 && steps < BEYOND, `${steps} steps`)
})

t.test('destroyed stays destroyed, wherever both of them stall', async t => {
  const path = sealedFile(t)
  let pairs = 0
  for (let first = 0; first < BEYOND; first++) {
    let reached = true
    for (let second = 0; second < BEYOND && reached; second++) {
      writeFileSync(path, sealedJournal('sealed'))
      const rewriter = stallingDisk(first)
      const rewriting = new SessionFile(path, rewriter.disk, false).unseal()
      reached = await rewriter.stalled(rewriting)
      const remover = stallingDisk(second)
      const removing = new SessionFile(path, remover.disk, false).remove()
      const removerStalled = await remover.stalled(removing)
      rewriter.goOn()
      await rewriting
      remover.goOn()
      await removing
      if (beside(path).length > 0) t.strictSame(beside(path), [], `stalled before ${first} and ${second}`)
      pairs++
      if (!removerStalled) break
    }
    if (!reached) break
  }
  t.ok(pairs > 100, `${pairs} pairs of steps`)
})

t.test('what is set aside keeps its bytes and leaves its name', async t => {
  const path = sealedFile(t)
  const bytes = readFileSync(path)
  const file = new SessionFile(path, localDisk, false)
  await file.setAside('1700000000000')
  t.strictSame(beside(path), ['file.1700000000000.aside'])
  t.strictSame(readFileSync(`${path}.1700000000000.aside`), bytes)
  t.equal(await file.read(), null)
  await file.setAside('1700000000001')
  t.strictSame(beside(path), ['file.1700000000000.aside'], 'what is not there cannot be set aside')
})

t.test('set aside stays set aside, wherever the one who rewrites stalls', async t => {
  const path = sealedFile(t)
  let steps = 0
  for (; steps < BEYOND; steps++) {
    writeFileSync(path, sealedJournal('sealed'))
    const { disk, stalled, goOn } = stallingDisk(steps)
    const rewriting = new SessionFile(path, disk, false).unseal()
    if (!await stalled(rewriting)) break
    await new SessionFile(path, impatientDisk, false).setAside('1')
    goOn()
    await rewriting
    t.strictSame(beside(path), ['file.1.aside'], `stalled before step ${steps}`)
    t.equal(textIn(`${path}.1.aside`), 'sealed')
  }
  t.ok(steps > 12 && steps < BEYOND, `${steps} steps`)
})

t.test('the holder who finds the file changed after all takes its journal back', async t => {
  const path = sealedFile(t)
  const file = new SessionFile(path, localDisk, false)
  await replaceSealed(file, recordOf('mine'), 0, async () => false)
  t.equal(textIn(path), 'sealed')
  t.strictSame(beside(path), ['file'])
  await replaceSealed(file, recordOf('mine'), 0, async () => true)
  t.equal(textIn(path), 'mine')
  t.strictSame(beside(path), ['file'])
})

t.test('takeLockAway says whether anyone held it', async t => {
  const path = sealedFile(t)
  const file = new SessionFile(path, localDisk, false)
  t.equal(await takeLockAway(file), false, 'no lock')
  mkdirSync(`${path}.lock`)
  t.equal(await takeLockAway(file), false, 'an empty one')
  mkdirSync(`${path}.lock`)
  writeFileSync(`${path}.lock/a`, '')
  writeFileSync(`${path}.lock/b`, '')
  t.equal(await takeLockAway(file), true)
  t.strictSame(beside(path), ['file'])
  mkdirSync(`${path}.lock`)
  writeFileSync(`${path}.lock/a`, '')
  const late = interceptedDisk(async (name, _given, call) => {
    if (name === 'unlink') await localDisk.rename(`${path}.lock/a`, path)
    return await call()
  })
  t.equal(await takeLockAway(new SessionFile(path, late, false)), false, 'the holder was quicker')
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
    await t.rejects(new SessionFile(path, disk, true, known).unseal(), { code }, failing)
    t.equal(textIn(path), 'text')
    if (failing !== 'rmdir') t.strictSame(beside(path), ['file'], failing)
    await file.unseal()
    t.ok(isClean(path), 'works again afterwards')
    t.notOk(existsSync(`${path}.lock`) && failing !== 'rmdir')
  }
})
