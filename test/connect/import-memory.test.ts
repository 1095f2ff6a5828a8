import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ImportMemory } from '../../lib/connect/import-memory'

const ONE = '1'.repeat(64)
const TWO = '2'.repeat(64)
const THREE = '3'.repeat(64)

t.test('it remembers what was added, and forgets what was taken back', async t => {
  const path = join(t.testdir(), 'memory')
  const first = await ImportMemory.open(path)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.notOk(first.has(ONE))
  await first.add(ONE)
  await first.add(TWO)
  await first.takeBack(TWO)
  t.ok(first.has(ONE))
  t.notOk(first.has(TWO))
  await first.close()

  const second = await ImportMemory.open(path)
  t.ok(second.has(ONE))
  t.notOk(second.has(TWO))
  await second.add(TWO)
  await second.close()
  t.equal(readFileSync(path, 'utf8'), `+${ONE}\n+${TWO}\n-${TWO}\n+${TWO}\n`)
})

t.test('a note is on the file before the session is made', async t => {
  const path = join(t.testdir(), 'memory')
  const memory = await ImportMemory.open(path)
  await memory.add(ONE)
  t.equal(readFileSync(path, 'utf8'), `+${ONE}\n`)
  await memory.close()
})

t.test('a torn line of a process that was killed costs no other line', async t => {
  const path = join(t.testdir(), 'memory')
  writeFileSync(path, `+${ONE}\n+${TWO.slice(1)}`)
  const memory = await ImportMemory.open(path)
  await memory.add(THREE)
  await memory.close()
  const again = await ImportMemory.open(path)
  t.same([ONE, TWO, THREE].map(name => again.has(name)), [true, false, true])
  await again.close()
})

t.test('trouble with the file', async t => {
  const directory = t.testdir({ file: '', inner: {} })
  symlinkSync(join(directory, 'file'), join(directory, 'link'))
  const trouble = { code: 'SESSION_FILE', message: /cannot note what is imported in / }
  await t.rejects(ImportMemory.open(join(directory, 'link')), trouble, 'no link is followed')
  await t.rejects(ImportMemory.open(join(directory, 'inner')), trouble)

  const memory = await ImportMemory.open(join(directory, 'file'))
  await memory.handle.close()
  await t.rejects(memory.add(ONE), trouble)
  t.notOk(memory.has(ONE))
  await t.rejects(memory.close(), trouble)
})

t.test('a file that can be opened but not read', async t => {
  const path = join(t.testdir(), 'memory')
  const { handle } = await ImportMemory.open(path)
  await handle.close()
  t.intercept(Object.getPrototypeOf(handle), 'readFile', { value: async () => { throw new Error('broken') } })
  await t.rejects(ImportMemory.open(path), { code: 'SESSION_FILE', cause: { message: 'broken' } })
})
