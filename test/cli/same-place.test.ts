import t from 'tap'
import { symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { placeNamed } from '../../lib/cli/open-place'
import { isSamePlace } from '../../lib/cli/same-place'
import { fileSessions, twoApps } from '../support/command'
import { sessionFiles } from '../support/session-files'

t.test('a copy of a place to itself is refused: its user would remove the old place', async t => {
  const { sessionDir } = await twoApps(t)
  const link = join(dirname(sessionDir), 'link')
  symlinkSync(sessionDir, link)
  const before = sessionFiles(sessionDir)
  for (const other of [sessionDir, `${sessionDir}/`, relative('.', sessionDir), link]) {
    for (const options of [[], ['--move'], ['--dry-run']]) {
      t.match(await fileSessions(['copy', sessionDir, other, ...options]), { exitCode: 2, out: '', err: /<from> and <to> are the same place/ })
    }
  }
  t.strictSame(sessionFiles(sessionDir), before)
})

t.test('places are told apart by their names', async t => {
  const { sessionDir } = await twoApps(t)
  const same = async (first: string, second: string): Promise<boolean> => await isSamePlace(placeNamed(first), placeNamed(second))
  for (const [first, second] of [
    ['redis://localhost', 'valkey://:secret@localhost:6379/0'], ['redis://localhost/1', 'redis://localhost:6379/1'],
    ['postgres://anna@localhost/shop', 'postgresql://root:x@localhost:5432/shop?sslmode=require']
  ] as const) t.equal(await same(first, second), true, `${first} ${second}`)
  for (const [first, second] of [
    ['redis://localhost', 'redis://localhost/1'], ['redis://localhost?prefix=a:', 'redis://localhost?prefix=b:'],
    ['redis://localhost', 'redis://localhost:6380'], ['postgres://localhost/shop', 'postgres://localhost/shop?table=other'],
    [sessionDir, 'redis://localhost'], ['redis://localhost', sessionDir], [sessionDir, dirname(sessionDir)], [join(sessionDir, 'no'), join(sessionDir, 'no')]
  ] as const) t.equal(await same(first, second), false, `${first} ${second}`)
})
