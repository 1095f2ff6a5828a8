import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { root, unmeasured } from './built-package'

/** Runs a test file, and returns what it says and its exit code. */
async function ended (t: Test, text: string): Promise<{ out: string, code: number }> {
  const directory = t.testdir({ 'throws.test.ts': `import t from 'tap'\n${text}` })
  const child = spawn(process.execPath, [
    '--require=./test/support/typescript-loader.cjs', '--require=./test/support/uncaught-errors.cjs', join(directory, 'throws.test.ts')
  ], { cwd: root, env: { ...unmeasured(), TAP_TIMEOUT: '0' } })
  let out = ''
  child.stdout.on('data', chunk => { out += String(chunk) })
  const [code] = await once(child, 'close') as [number]
  return { out, code }
}

const LATER = {
  'an error that is thrown later': "setImmediate(() => { throw new Error('later') })",
  'a rejection that nothing handles': "void Promise.reject(new Error('later'))"
}

for (const [what, statement] of Object.entries(LATER)) {
  t.test(`${what} fails the test that runs`, async t => {
    const { out, code } = await ended(t, `
      t.test('first', async t => { t.ok(true) })
      t.test('second', async t => {
        ${statement}
        await new Promise(resolve => { setTimeout(resolve, 5) })
      })
      t.test('third', async t => { t.ok(true) })`)
    t.match(out, /^ok 1 - first/m)
    t.match(out, /^ {4}not ok 1 - later\n[^]*^not ok 2 - second/m)
    t.match(out, /^ok 3 - third/m)
    t.equal(code, 1)
  })
}

t.test('so does one after the last test, and one that is expected is left to the test', async t => {
  const { out, code } = await ended(t, "t.ok(true)\nsetImmediate(() => { throw new Error('too late') })")
  t.match(out, /not ok \d - too late/)
  t.equal(code, 1)
  const expected = await ended(t, `
    t.test('expects it', async t => {
      const thrown = new Promise(resolve => { process.once('uncaughtException', resolve) })
      setImmediate(() => { throw new Error('expected') })
      t.match(await thrown, { message: 'expected' })
    })`)
  t.equal(expected.code, 0, expected.out)
})
