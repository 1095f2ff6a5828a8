import { AsyncLocalStorage } from 'node:async_hooks'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { Descriptors, withRoom } from '../../../lib/store/files/descriptors'
import { systemError } from '../../support/disks'

class Holder {
  isUsed = true
  isOpen = true

  constructor (readonly descriptors: Descriptors) {}

  release (): void {
    this.isOpen = false
    this.descriptors.delete(this)
  }
}

function add (descriptors: Descriptors): Holder {
  const holder = new Holder(descriptors)
  if (!descriptors.add(holder)) holder.release()
  return holder
}

function mockTimers (t: Test): void {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => { mock.timers.reset() })
}

t.test('there are never more than 128, and room again when one is closed', async t => {
  const descriptors = new Descriptors()
  const holders = Array.from({ length: 128 }, () => add(descriptors))
  t.equal(descriptors.hasRoom, false)
  t.equal(add(descriptors).isOpen, false)
  holders[0]?.release()
  t.equal(descriptors.hasRoom, true)
  t.equal(add(descriptors).isOpen, true)
  descriptors.closeAll()
  t.notOk(holders.some(({ isOpen }) => isOpen))
  t.equal(descriptors.hasRoom, true)
})

t.test('when others need the room all are closed, and none is kept for a second', async t => {
  let now = 5000
  const descriptors = new Descriptors(() => now)
  t.equal(descriptors.makeRoom(), false, 'there is nothing to close')
  t.equal(descriptors.hasRoom, true)
  const holder = add(descriptors)
  t.equal(descriptors.makeRoom(), true)
  t.notOk(holder.isOpen)
  t.equal(descriptors.hasRoom, false)
  now += 999
  t.notOk(add(descriptors).isOpen)
  now += 1
  t.ok(add(descriptors).isOpen)
  descriptors.closeAll()
})

t.test('work that fails for want of descriptors is done once more when some could be given back', async t => {
  let tries = 0
  const starving = (code: string) => (): number => {
    if (tries++ === 0) throw systemError(code)
    return tries
  }
  const ways = [withRoom<number>, async (work: () => number, kept: Descriptors) => await withRoom(async () => work(), kept)]
  for (const way of ways) {
    for (const code of ['EMFILE', 'ENFILE']) {
      tries = 0
      const descriptors = new Descriptors()
      add(descriptors)
      t.equal(await way(starving(code), descriptors), 2, code)
      tries = 0
      await t.rejects(async () => await way(starving(code), descriptors), { code }, 'nothing more can be given back')
      tries = 0
      await t.rejects(async () => await way(starving('ENOENT'), descriptors), { code: 'ENOENT' })
    }
  }
})

t.test('work that is done at once is no promise', async t => {
  t.equal(withRoom(() => 7, new Descriptors()), 7)
})

t.test('the timer holds no context of the request that comes first', async t => {
  const context = new AsyncLocalStorage<string>()
  const contexts: unknown[] = []
  t.intercept(globalThis, 'setInterval', {
    value: () => {
      contexts.push(context.getStore())
      return { unref () {} }
    }
  })
  context.run('a request', () => { add(new Descriptors()) })
  t.strictSame(contexts, [undefined])
})

t.test('what was not used for five seconds is closed', async t => {
  mockTimers(t)
  const descriptors = new Descriptors()
  const used = add(descriptors)
  const unused = add(descriptors)
  mock.timers.tick(5000)
  t.ok(used.isOpen && unused.isOpen, 'both were used when they were opened')
  used.isUsed = true
  mock.timers.tick(4999)
  t.ok(unused.isOpen)
  mock.timers.tick(1)
  t.ok(used.isOpen)
  t.notOk(unused.isOpen)
  mock.timers.tick(5000)
  t.notOk(used.isOpen)
  const later = add(descriptors)
  mock.timers.tick(10_000)
  t.notOk(later.isOpen, 'looked after again after a time without any')
})

t.test('the timer keeps no process from ending', async t => {
  const resources = (): string[] => process.getActiveResourcesInfo().filter(name => name === 'Timeout')
  const before = resources()
  const descriptors = new Descriptors()
  add(descriptors)
  t.strictSame(resources(), before, 'the timer does not count')
  descriptors.closeAll()
})
