import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { Descriptors } from '../../lib/store/descriptors'

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
  t.equal(descriptors.closeAll(), true)
  t.notOk(holders.some(({ isOpen }) => isOpen))
  t.equal(descriptors.closeAll(), false, 'nothing is left to close')
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

t.test('keeps no process from ending', async t => {
  const resources = (): string[] => process.getActiveResourcesInfo().filter(name => name === 'Timeout')
  const before = resources()
  const descriptors = new Descriptors()
  add(descriptors)
  t.strictSame(resources(), before, 'the timer does not count')
  descriptors.closeAll()
})
