import t from 'tap'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { twoApps } from '../support/command'

t.test('the installed command', async t => {
  const { sessionDir } = await twoApps(t)
  const command = join(__dirname, '../../lib/cli/main.ts')
  t.match(readFileSync(command, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  const { exitCode, stdout } = await new Promise<{ exitCode: number | undefined, stdout: string }>(resolve => {
    const child = execFile(process.execPath, [...process.execArgv, command, 'clean', sessionDir, '--appid', 'nobody'], (_, stdout) => {
      resolve({ exitCode: child.exitCode ?? undefined, stdout })
    })
  })
  t.equal(exitCode, 1)
  t.equal(stdout, '')
  t.match(JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')), { bin: { 'file-sessions': 'dist/lib/cli/main.js' } })
})

t.test('output that nobody reads to its end', async t => {
  const { sessionDir, shopFiles } = await twoApps(t)
  // More lines than a pipe takes in at once.
  for (let n = 0; n < 3000; n++) writeFileSync(join(dirname(shopFiles[0] as string), `foreign-${n}`), '')
  const command = join(__dirname, '../../lib/cli/main.ts')

  const child = spawn(process.execPath, [...process.execArgv, command, 'verify', sessionDir])
  let err = ''
  child.stderr.on('data', chunk => { err += String(chunk) })
  await once(child.stdout, 'data')
  child.stdout.destroy()
  t.strictSame(await once(child, 'close'), [1, null], 'the exit code is that of the work')
  t.equal(err, '')
})

t.test('output that finds no room', { skip: existsSync('/dev/full') ? false : 'there is no /dev/full' }, async t => {
  const { sessionDir } = await twoApps(t)
  const command = join(__dirname, '../../lib/cli/main.ts')
  const full = openSync('/dev/full', 'w')
  t.teardown(() => { closeSync(full) })
  const child = spawn(process.execPath, [...process.execArgv, command, 'list', sessionDir], { stdio: ['ignore', full, 'pipe'] })
  let err = ''
  child.stderr?.on('data', chunk => { err += String(chunk) })
  t.strictSame(await once(child, 'close'), [2, null])
  t.match(err, /^file-sessions: ENOSPC: .*\n$/, 'said once')
})
