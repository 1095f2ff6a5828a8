import t, { type Test } from 'tap'
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { systemError } from '../../../lib/errors'
import { localDisk } from '../../../lib/store/files/local-disk'
import { walkDirectory, type DirectoryEntry, type WalkOptions } from '../../../lib/store/files/directory-walk'

const NAME = 'a'.repeat(62)

/** The directory of one appid, of the test's own. */
function appidDirectory (t: Test): string {
  const directory = join(t.testdir({ sid: {} }), 'sid')
  chmodSync(dirname(directory), 0o700)
  chmodSync(directory, 0o700)
  return directory
}

function makeShard (directory: string, shard: string, names: string[]): void {
  mkdirSync(join(directory, shard), { recursive: true, mode: 0o700 })
  for (const name of names) writeFileSync(join(directory, shard, name), '')
}

function names (count: number): string[] {
  return Array.from({ length: count }, (_, number) => number.toString(16).padStart(62, '0'))
}

async function all (directory: string, options?: WalkOptions): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = []
  for await (const entry of walkDirectory(directory, options)) entries.push(entry)
  return entries
}

function kinds (entries: DirectoryEntry[], directory: string): Record<string, string> {
  return Object.fromEntries(entries.map(({ kind, path }) => [path.slice(directory.length + 1), kind]))
}

t.test('a directory that is not there holds nothing', async t => {
  t.strictSame(await all(join(appidDirectory(t), 'missing')), [])
})

t.test('a file in place of the directory is an error', async t => {
  const directory = appidDirectory(t)
  writeFileSync(join(directory, 'file'), '')
  await t.rejects(all(join(directory, 'file')), { name: 'SessionFileError', cause: { code: 'ENOTDIR' } })
})

t.test('names say what they are, and only in the right kind of file', async t => {
  const directory = appidDirectory(t)
  makeShard(directory, '00', [
    NAME, `${NAME}.1700000000000.aside`, `${NAME}.aside`, `${NAME}.x.aside`, `${NAME}0`, NAME.toUpperCase(), 'README'
  ])
  for (const name of [`${NAME}.lock`, `${NAME}.0123456789abcdef.tmp`, `${NAME}.0123.tmp`, 'b'.repeat(62), `${NAME}.5.aside.d`]) {
    mkdirSync(join(directory, '00', name))
  }
  makeShard(directory, 'ff', [`${NAME}.lock`, `${NAME}.0123456789abcdef.tmp`])
  symlinkSync('/', join(directory, 'fe'))
  for (const name of ['check', 'probe']) {
    writeFileSync(join(directory, `${name}.0123456789abcdef.tmp`), '')
    mkdirSync(join(directory, `${name}.fedcba9876543210.tmp`))
  }
  symlinkSync(join(directory, '00', NAME), join(directory, 'ff', NAME))
  makeShard(directory, 'photos', ['c'.repeat(62)])
  makeShard(directory, 'FF', ['c'.repeat(62)])
  writeFileSync(join(directory, '01'), '')
  t.strictSame(kinds(await all(directory), directory), {
    [`00/${NAME}`]: 'session',
    [`00/${NAME}.1700000000000.aside`]: 'setAside',
    [`00/${NAME}.lock`]: 'lock',
    [`00/${NAME}.0123456789abcdef.tmp`]: 'staging',
    [`00/${NAME}.aside`]: 'foreign',
    [`00/${NAME}.x.aside`]: 'foreign',
    [`00/${NAME}0`]: 'foreign',
    [`00/${NAME.toUpperCase()}`]: 'foreign',
    '00/README': 'foreign',
    [`00/${NAME}.0123.tmp`]: 'foreign',
    [`00/${'b'.repeat(62)}`]: 'foreign',
    [`00/${NAME}.5.aside.d`]: 'foreign',
    [`ff/${NAME}.lock`]: 'foreign',
    [`ff/${NAME}.0123456789abcdef.tmp`]: 'staging',
    'check.0123456789abcdef.tmp': 'check',
    'probe.0123456789abcdef.tmp': 'foreign',
    'check.fedcba9876543210.tmp': 'foreign',
    'probe.fedcba9876543210.tmp': 'probe',
    fe: 'foreign',
    [`ff/${NAME}`]: 'foreign',
    photos: 'foreign',
    FF: 'foreign',
    '01': 'foreign'
  })
  const setAside = (await all(directory)).find(({ kind }) => kind === 'setAside')
  t.match(setAside, { setAsideAt: 1700000000000 })
})

t.test('every file of every shard is met once, wherever the walk starts', async t => {
  const directory = appidDirectory(t)
  for (const shard of ['00', '7f', 'ff']) makeShard(directory, shard, names(200))
  const starts = new Set<string>()
  for (const random of [0, 0.4, 0.99]) {
    t.intercept(Math, 'random', { value: () => random })
    const entries = await all(directory)
    t.equal(entries.length, 600)
    t.equal(new Set(entries.map(({ path }) => path)).size, 600)
    starts.add((entries[0] as DirectoryEntry).path.slice(0, -63))
  }
  t.equal(starts.size, 3, 'and it starts anywhere')
})

t.test('the walk tells how far it has got', async t => {
  const directory = appidDirectory(t)
  for (const shard of ['00', '01']) makeShard(directory, shard, names(3))
  const progress: string[] = []
  await all(directory, { onProgress: (done, of) => progress.push(`${done}/${of}`) })
  t.strictSame(progress, ['0/2', '1/2', '2/2'])
})

t.test('the walk ends when it is aborted', async t => {
  const directory = appidDirectory(t)
  for (const shard of ['00', '01', '02']) makeShard(directory, shard, names(100))
  const abort = new AbortController()
  let count = 0
  for await (const entry of walkDirectory(directory, { signal: abort.signal })) {
    t.equal(entry.kind, 'session')
    if (++count === 10) abort.abort()
  }
  t.equal(count, 10)
})

t.test('what disappears and comes meanwhile does no harm', async t => {
  const directory = appidDirectory(t)
  for (const shard of ['00', '01', '02']) makeShard(directory, shard, names(500))
  const seen = new Set<string>()
  const shards = new Set<string>()
  for await (const { path } of walkDirectory(directory)) {
    const shard = path.slice(0, -63)
    if (shards.size === 0) {
      // The others go: one for good, one for a new one.
      const [gone, moved] = ['00', '01', '02'].map(name => join(directory, name)).filter(other => other !== shard) as [string, string]
      rmSync(gone, { recursive: true })
      renameSync(moved, join(t.testdirName, 'elsewhere'))
      makeShard(directory, basename(moved), names(2))
    }
    shards.add(shard)
    t.notOk(seen.has(path))
    seen.add(path)
  }
  t.equal(seen.size, 502)
})

t.test('a shard that cannot be listed is named, and the others are gone through', async t => {
  const directory = appidDirectory(t)
  for (const shard of ['00', '01', '02']) makeShard(directory, shard, names(3))
  const { opendir } = localDisk
  // Root may list everything, so the refusal has to be made up.
  t.intercept(localDisk, 'opendir', {
    value: async (path: string) => {
      if (path === join(directory, '01')) throw systemError('EACCES', 'permission denied', 'opendir')
      return await opendir(path)
    }
  })
  const entries = await all(directory)
  t.equal(entries.length, 7)
  t.match(entries.find(({ kind }) => kind === 'unreadable'), { path: join(directory, '01'), error: { code: 'EACCES' } })
})

t.test('a shard that others may use is not gone through', async t => {
  const directory = appidDirectory(t)
  for (const shard of ['00', '01']) makeShard(directory, shard, names(3))
  chmodSync(join(directory, '01'), 0o777)
  const entries = await all(directory)
  t.equal(entries.length, 4)
  t.match(entries.find(({ kind }) => kind === 'unreadable'), { path: join(directory, '01'), error: { code: 'SESSION_FILE', message: /chmod 700/ } })
})

t.test('a link that takes a shard\'s place after the listing is not followed', async t => {
  const directory = appidDirectory(t)
  makeShard(directory, '00', names(3))
  const elsewhere = join(t.testdirName, 'elsewhere')
  const { opendir } = localDisk
  t.intercept(localDisk, 'opendir', {
    value: async (path: string) => {
      const listing = await opendir(path)
      if (path !== directory) return listing
      renameSync(join(directory, '00'), elsewhere)
      symlinkSync(elsewhere, join(directory, '00'))
      return listing
    }
  })
  t.match(await all(directory), [{ kind: /unreadable|foreign/ }])
})

t.test('a directory that others may use, or that is a link, is not gone through', async t => {
  const directory = appidDirectory(t)
  makeShard(directory, '00', names(3))
  chmodSync(directory, 0o750)
  await t.rejects(all(directory), { code: 'SESSION_FILE', message: /its group may use .*chmod 700/ })
  chmodSync(directory, 0o700)
  symlinkSync(directory, join(t.testdirName, 'link'))
  await t.rejects(all(join(t.testdirName, 'link')), { code: 'SESSION_FILE', message: /a symbolic link stands where a directory should be/ })
})
