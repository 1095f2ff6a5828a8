import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { conformance } from '../../lib/conformance/conformance'
import type { ConformanceReport, StoreSetup } from '../../lib/conformance/options'
import type { Clock } from '../../lib/store/clock'
import type { SessionStore } from '../../lib/store/session-store'
import { Time } from './aged-sessions'
import { filesIn } from './session-files'

type Setup = Omit<StoreSetup, 'place'>

/** Runs the suite for a store that keeps files: `makeStore` makes one of a place, a directory, with the clock of that place. */
export function fileConformance (
  t: Test, directory: string, makeStore: (place: string, setup: Setup, clock: Clock) => SessionStore
): ConformanceReport {
  const times = new Map<string, Time>()
  const timeAt = (place: string): Time => {
    const time = times.get(place) ?? new Time()
    times.set(place, time)
    return time
  }
  return conformance({
    test: (name, run) => { t.test(name, run) },
    makeStore: ({ place, ...setup }) => makeStore(join(directory, place), setup, timeAt(place).clock),
    features: { records: true, immediate: true, iterable: true, readable: true, reapable: true, portable: true, indexable: true },
    maxSize: 1024 * 1024,
    age: (place, _name, milliseconds) => { timeAt(place).pass(milliseconds / 1000) },
    dump: place => Buffer.concat(filesIn(join(directory, place)).flatMap(path => [Buffer.from(path), readFileSync(path)])),
    fail (place) {
      renameSync(join(directory, place), join(directory, `${place}.away`))
      writeFileSync(join(directory, place), '')
    },
    dispose: place => { rmSync(join(directory, place), { recursive: true, force: true }) }
  })
}
