import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { conformance } from '../../lib/conformance/conformance'
import { FileStore } from '../../lib/store/files/file-store'
import { Time } from '../support/aged-sessions'
import { filesIn } from '../support/session-files'

const directory = t.testdir()
const times = new Map<string, Time>()

function timeAt (place: string): Time {
  const time = times.get(place) ?? new Time()
  times.set(place, time)
  return time
}

for (const durability of ['os', 'fsync'] as const) {
  t.test(`the file store keeps what it declares, with durability ${durability}`, async t => {
    const { leftOut } = conformance({
      test: (name, run) => { t.test(name, run) },
      makeStore: ({ place, ...setup }) => new FileStore({ sessionDir: join(directory, place), durability, ...setup }, undefined, timeAt(place).clock),
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
    t.match(leftOut, [/an openable/, /readSession/, /readSession/, /touchSession/, /readSession/], 'what is for stores without records is left out')
  })
}
