import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { FileStore } from '../../../lib/store/files/file-store'
import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import fc from '../../support/fast-check'
import { wholeText } from '../../support/journal-files'
import { newSession } from '../../support/new-session'
import { VolatileDisk } from '../../support/power-cut'
import { systemError } from '../../support/disks'
import { sessionFiles } from '../../support/session-files'
import { rounds } from '../../support/tier'

interface Machine {
  volatile: VolatileDisk
  /** Each like the store of a process of its own. */
  stores: [FileStore, FileStore, FileStore]
  sesid: string
  name: string
  /** Cuts the power, and returns what a process reads that starts afterwards. */
  textAfterwards: () => Promise<string | null>
}

async function machine (t: Test, text = '[]'): Promise<Machine> {
  const sessionDir = join(t.testdir(), 'sessions')
  const volatile = new VolatileDisk()
  t.teardown(() => { volatile.close() })
  const newStore = (): FileStore => new FileStore({ sessionDir, durability: 'fsync' }, volatile.disk)
  const stores: Machine['stores'] = [newStore(), newStore(), newStore()]
  const { sesid, name } = await newSession(stores[0], text)
  const [path = ''] = sessionFiles(sessionDir)
  const textAfterwards = async (): Promise<string | null> => {
    volatile.cutPower(dirname(path))
    return await new SessionFileStore({ sessionDir }).getSession(sesid)
  }
  return { volatile, stores, sesid, name, textAfterwards }
}

const FAILURE = { name: 'SessionFileError', cause: { code: 'EIO' } }

t.test('what was synced survives, and the test knows what was not', async t => {
  const { stores: [one], sesid, textAfterwards } = await machine(t, 'first')
  await one.putSession(sesid, 'second')
  t.equal(await textAfterwards(), 'second')
  const other = await machine(t, 'first')
  const lazy = new FileStore({ sessionDir: join(t.testdirName, 'sessions') }, other.volatile.disk)
  await lazy.putSession(other.sesid, 'second')
  t.equal(await other.textAfterwards(), 'first')
})

t.test('a save after one whose sync has failed survives, whichever process makes it', async t => {
  for (const [what, index] of [['the same', 0], ['one that knew the session', 1], ['one that did not', 2]] as const) {
    const { volatile, stores, sesid, textAfterwards } = await machine(t, 'first')
    await stores[1].getSession(sesid)
    volatile.failures = 1
    await t.rejects(stores[0].putSession(sesid, 'second'), FAILURE, what)
    for (const store of stores) t.equal(await store.getSession(sesid), 'first', 'a save that has failed is taken back')
    await stores[index].putSession(sesid, 'third')
    t.equal(await textAfterwards(), 'third', what)
  }
})

t.test('a save survives also when the process that saw the failed sync ended at once', async t => {
  const { volatile, stores, sesid, textAfterwards } = await machine(t, 'first')
  volatile.failures = 1
  volatile.before = name => { if (name === 'write' && volatile.failures === 0) throw systemError('EIO', name) }
  await t.rejects(stores[0].putSession(sesid, 'second'), FAILURE)
  volatile.before = () => {}
  t.equal(await stores[1].getSession(sesid), 'second', 'it could not be taken back')
  await stores[1].putSession(sesid, 'third')
  await stores[2].putSession(sesid, 'fourth')
  t.equal(await textAfterwards(), 'fourth')
})

t.test('as long as syncs fail, so do saves', async t => {
  const { volatile, stores, sesid, textAfterwards } = await machine(t, 'first')
  volatile.failures = Infinity
  for (const store of stores) await t.rejects(store.putSession(sesid, 'later'), FAILURE)
  await t.rejects(newSession(stores[0], 'another'), FAILURE)
  volatile.failures = 0
  t.equal(await textAfterwards(), 'first')
})

t.test('a save on top of what a process stored that does not sync survives with it', async t => {
  const { volatile, stores: [one], sesid, textAfterwards } = await machine(t, 'first')
  const lazy = new FileStore({ sessionDir: join(t.testdirName, 'sessions') }, volatile.disk)
  await lazy.putSession(sesid, 'second')
  volatile.failures = 1
  await t.rejects(one.putSession(sesid, 'third'), FAILURE)
  await lazy.putSession(sesid, 'fourth')
  await one.putSession(sesid, 'fifth')
  t.equal(await textAfterwards(), 'fifth')
})

t.test('a process that is alone with a session writes nothing twice', async t => {
  const { volatile, stores: [one, other], sesid } = await machine(t)
  const writes: string[] = []
  volatile.before = name => { if (name === 'write') writes.push(name) }
  for (let turn = 0; turn < 3; turn++) await one.putSession(sesid, `${turn}`)
  t.equal(writes.length, 3)
  await other.putSession(sesid, 'other')
  t.equal(writes.length, 5, 'one that comes to it writes once again what was there')
  await other.putSession(sesid, 'again')
  t.equal(writes.length, 6)
})

t.test('a file that is removed, or replaced, just before it would be written again stays so', async t => {
  for (const event of ['removed', 'replaced'] as const) {
    const { volatile, stores: [one, other, third], sesid, textAfterwards } = await machine(t, 'x'.repeat(3000))
    for (const text of ['a', 'b', 'c']) await other.putSession(sesid, text.repeat(3000))
    await one.getSession(sesid)
    let hasWritten = false
    volatile.before = async name => {
      if (name === 'write') hasWritten = true
      if (name !== 'open' || !hasWritten) return
      volatile.before = () => {}
      if (event === 'removed') await other.delSession(sesid)
      else for (const text of ['d', 'e', 'f', 'last']) await third.putSession(sesid, wholeText(text, 3000))
    }
    await one.putSession(sesid, 'mine'.padEnd(3000))
    const text = await textAfterwards()
    t.equal(text, event === 'removed' ? null : wholeText('last', 3000))
  }
})

t.test('whatever fails, nothing that was answered is lost with the power', async t => {
  const step = fc.record({ by: fc.nat(2), fails: fc.boolean(), length: fc.constantFrom(0, 0, 0, 2500), ends: fc.constantFrom(false, false, false, false, false, false, true) })
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async steps => {
    const { volatile, stores, name, textAfterwards } = await machine(t, '[]')
    const answered: number[] = []
    let hasEnded = false
    for (const [index, { by, fails, length, ends }] of steps.entries()) {
      const store = stores[by] as FileStore
      volatile.failures = fails ? 1 : 0
      try {
        const session = await store.read(name)
        if (session === null) break
        if (ends) {
          hasEnded = await store.remove(name, session.version) === 'removed'
          break
        }
        const list = JSON.parse(session.text) as number[]
        const text = JSON.stringify([...list, index]).padEnd(length)
        const { result } = await store.replace(name, { text }, session.version)
        if (result === 'replaced') answered.push(index)
      } catch {
        // Not answered.
      }
    }
    const text = await textAfterwards()
    if (hasEnded) return text === null
    const list = JSON.parse(text ?? 'null') as number[] | null
    return list !== null && answered.every(index => list.includes(index)) && new Set(list).size === list.length
  }), { numRuns: rounds(50, 150) })
  t.ok(readdirSync(t.testdirName).length > 0)
})
