import t from 'tap'
import { holder } from './holder'
import type { Program } from './process'
import { everyStart, report, run } from './report'
import { coarse, destroyer, durableFile, LIMITS, patching, reader, realFile, writer } from './scenario'

// More interruptions, and every order, are for `npm run protocol`.
const twoWriters = (): Program[] => [writer('A', 'a'), writer('B', 'b')]

everyStart('two writers, a crash, a stall and a torn write anywhere: every order with two interruptions', twoWriters,
  { crashes: 1, stalls: 1, tears: 1, preemptions: 2 }, { deadLock: 1 })

everyStart('two writers and a reader: every order with two interruptions', () => [...twoWriters(), reader()],
  { crashes: 0, stalls: 0, tears: 0, preemptions: 2 }, { deadLock: 1 })

everyStart('a writer and a destroyer, a crash, a stall and a torn write anywhere: every order with two interruptions',
  () => [writer('A', 'a'), destroyer()], { crashes: 1, stalls: 1, tears: 1, preemptions: 2 }, { deadLock: 1 })

everyStart('a writer that keeps its descriptor, another, and a crash: every order with one interruption',
  () => [holder('A', 'ab'), writer('B', 'cd')], { crashes: 1, stalls: 0, tears: 0, preemptions: 1 })

everyStart('two that keep their descriptors, a stall and a torn write: every order with one interruption',
  () => [holder('A', 'ab'), holder('B', 'cd')], { crashes: 0, stalls: 1, tears: 1, preemptions: 1 })

everyStart('one that keeps its descriptor, a destroyer, a crash and a stall: every order with one interruption',
  () => [holder('A', 'abc'), destroyer()], { crashes: 1, stalls: 1, tears: 0, preemptions: 1 })

everyStart('two that sync what they write, a crash and a torn write anywhere: every order with one interruption',
  () => [writer('A', 'a', durableFile), writer('B', 'b', durableFile)], { crashes: 1, stalls: 0, tears: 1, preemptions: 1 })

everyStart('two writers of patches, a crash, a stall and a torn write anywhere: every order with one interruption',
  () => [writer('A', 'a', realFile, patching), writer('B', 'b', realFile, patching)], { crashes: 1, stalls: 1, tears: 1, preemptions: 1 })

everyStart('two writers of patches, one of them twice, and a reader: every order with one interruption',
  () => [writer('A', 'ac', realFile, patching), writer('B', 'b', realFile, patching), reader()], { crashes: 0, stalls: 0, tears: 0, preemptions: 1 })

everyStart('two that sync patches, a crash and a torn write anywhere: every order with one interruption',
  () => [writer('A', 'a', durableFile, patching), writer('B', 'b', durableFile, patching)], { crashes: 1, stalls: 0, tears: 1, preemptions: 1 })

t.test('a clock so coarse that files are born at the same time: every order with two interruptions', async t => {
  const everyRecordSeals = { ...LIMITS, size: 0 }
  const programs = [writer('A', 'a', realFile, everyRecordSeals), writer('B', 'bc', realFile, everyRecordSeals)]
  report(t, 'a coarse clock', await run(programs, coarse(), { crashes: 0, stalls: 0, tears: 0, preemptions: 2 }))
})
