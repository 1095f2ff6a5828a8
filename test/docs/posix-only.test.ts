import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../support/built-package'
import { reasonToSkip, skippedOnWindows } from '../support/posix-only.cjs'

const OWNERS = 'test/cli/owner.test.ts'
const ANYWHERE = 'test/session/merge.test.ts'

t.test('what Windows skips is listed by reason', async t => {
  const skipped = skippedOnWindows()
  for (const [reason, files] of Object.entries(skipped)) {
    t.comment(`${reason}:\n${files.join('\n')}`)
    t.ok(files.length > 0, reason)
  }
  t.match(skipped['owners and modes of files']?.join(' '), OWNERS)
  t.notMatch(Object.values(skipped).flat().join(' '), ANYWHERE)
  t.equal(reasonToSkip(OWNERS, 'win32'), 'owners and modes of files')
  t.equal(reasonToSkip('test/cli/secrets-file.test.ts', 'win32'), 'owners and modes of files', 'it opens a file to others')
  t.equal(reasonToSkip('test/examples/metrics.test.ts', 'win32'), 'signals, or /proc', 'it ends an app in an orderly way')
  t.equal(reasonToSkip(ANYWHERE, 'win32'), undefined)
  t.equal(reasonToSkip('test/torture/torture.mjs', 'win32'), undefined, 'it is no test file')
  t.equal(reasonToSkip(OWNERS, 'linux'), undefined)
})

t.test('such a file is not run there', async t => {
  const script = "Object.defineProperty(process, 'platform', { value: 'win32' }); process.argv[1] = process.env.FILE; require('./test/support/posix-only.cjs'); console.log('run')"
  const run = (file: string): string => spawnSync(process.execPath, ['-e', script], {
    cwd: root, encoding: 'utf8', env: { ...process.env, FILE: join(root, file) }
  }).stdout
  t.equal(run(OWNERS), 'TAP version 14\n1..0 # SKIP not on Windows: this needs owners and modes of files\n')
  t.equal(run(ANYWHERE), 'run\n')
})

t.test('a checkout has the same ends of lines on every system', async t => {
  t.match(readFileSync(join(root, '.gitattributes'), 'utf8'), /^\* text=auto eol=lf$/m)
})
