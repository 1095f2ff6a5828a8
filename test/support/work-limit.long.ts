import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { root } from './built-package'

interface Limits { wait?: number, compute?: number }

/** Runs a test file with these limits, in seconds, and returns what it says and how it ends. */
async function ended (t: Test, text: string, { wait = 600, compute = 600 }: Limits): Promise<{ out: string, err: string, signal: NodeJS.Signals }> {
  const directory = t.testdir({ 'stuck.test.ts': text })
  const child = spawn(process.execPath, [
    '--require=./test/support/typescript-loader.cjs', '--require=./test/support/work-limit.cjs', join(directory, 'stuck.test.ts')
  ], { cwd: root, env: { ...process.env, TAP_TIMEOUT: '0', FILE_MAY_WAIT: String(wait), FILE_MAY_COMPUTE: String(compute) } })
  const said = { out: '', err: '' }
  child.stdout.on('data', chunk => { said.out += String(chunk) })
  child.stderr.on('data', chunk => { said.err += String(chunk) })
  const [, signal] = await once(child, 'close')
  return { ...said, signal }
}

t.test('a file that waits for what never comes says what it was doing', async t => {
  const { out, err, signal } = await ended(t, `
    import t from 'tap'
    import { createServer } from 'node:net'
    t.test('over', async t => { t.ok(true) })
    t.test('outer', async t => {
      await t.test('inner', async t => {
        createServer().listen(0)
        await new Promise(() => {})
      })
    })`, { wait: 2 })
  t.match(err, /stuck\.test\.ts does not go on: since its last assertion it waited for \d+ s and computed for \d+ s, in: TAP > outer > inner\n/)
  t.match(out, /not ok 1 - timeout!/)
  t.match(out, /handles:\s+- type: Server/, 'and tap says what keeps it')
  t.equal(signal, 'SIGALRM')
})

t.test('so does one that never lets go of its event loop', async t => {
  const { err, signal } = await ended(t, `
    import t from 'tap'
    t.test('over', async t => { t.ok(true) })
    t.test('spins', async t => { for (;;); })`, { compute: 2 })
  t.match(err, /stuck\.test\.ts does not go on: .* in: TAP > spins\n/)
  t.equal(signal, 'SIGKILL')
})

t.test('one that goes on may take as long as it takes', async t => {
  const { err, signal } = await ended(t, `
    import t from 'tap'
    const computed = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6 }
    t.test('slow', async t => {
      for (let n = 0; n < 4; n++) {
        for (const until = computed() + 0.8; computed() < until;);
        t.ok(true)
      }
    })`, { compute: 3 })
  t.equal(err, '')
  t.equal(signal, null)
})
