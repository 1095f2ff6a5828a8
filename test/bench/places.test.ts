import { pathToFileURL } from 'node:url'
import t from 'tap'

interface Places {
  hasJournal: (options: string | null) => boolean
  warningOf: (place: { path: string, filesystem: string }, given: string) => string | null
}

const load = async (): Promise<Places> => await import(pathToFileURL('bench/places.mjs').href) as Places

t.test('an ext4 without a journal is known by its options', async t => {
  const { hasJournal } = await load()
  t.ok(hasJournal('rw\ncommit=5\ndata=ordered\n'))
  t.notOk(hasJournal('rw\ncommit=5\nstripe=0\n'))
  t.ok(hasJournal(null), 'where the kernel tells nothing, nothing is said')
})

t.test('a directory in memory is not taken for a disk', async t => {
  const { warningOf } = await load()
  const path = t.testdir()
  t.match(warningOf({ path, filesystem: 'tmpfs' }, '/dev/shm'), /^\/dev\/shm is in memory/)
  t.equal(warningOf({ path, filesystem: 'xfs' }, path), null)
})
