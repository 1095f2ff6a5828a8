import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { conformance } from '../../lib/conformance/conformance'
import { FileStore } from '../../lib/store/files/file-store'
import { windowsDisk } from '../../lib/store/files/windows-disk'
import { windowsPlatform } from '../../lib/store/files/windows'
import { Time } from '../support/aged-sessions'
import { ntfsDisk } from '../support/ntfs-disk'
import { filesIn } from '../support/session-files'

const directory = t.testdir()
const times = new Map<string, Time>()

/** Windows, with paths as they are here. */
const platform = { ...windowsPlatform, resolve: (path: string) => path, warningsOf: async () => [] }

function timeAt (place: string): Time {
  const time = times.get(place) ?? new Time()
  times.set(place, time)
  return time
}

for (const isDeletionPending of [false, true]) {
  t.test(`the file store keeps what it declares by the rules of NTFS, ${isDeletionPending ? 'with deletion pending' : 'with deletion at once'}`, async t => {
    const disk = windowsDisk(ntfsDisk({ isDeletionPending }).calls)
    conformance({
      test: (name, run) => { t.test(name, run) },
      makeStore: ({ place, ...setup }) => new FileStore({ sessionDir: join(directory, place), ...setup }, disk, timeAt(place).clock, platform),
      features: { records: true, immediate: true, iterable: true, readable: true, reapable: true, portable: true },
      maxSize: 1024 * 1024,
      age: (place, _name, milliseconds) => { timeAt(place).pass(milliseconds / 1000) },
      dump: place => Buffer.concat(filesIn(join(directory, place)).flatMap(path => [Buffer.from(path), readFileSync(path)])),
      fail (place) {
        renameSync(join(directory, place), join(directory, `${place}.away`))
        writeFileSync(join(directory, place), '')
      },
      dispose: place => { rmSync(join(directory, place), { recursive: true, force: true }) }
    })
  })
}
