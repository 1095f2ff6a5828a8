import { randomBytes } from 'node:crypto'
import t from 'tap'
import { KeyMemory } from '../../lib/store/key-memory'
import type { CipherKey, OpenedChain } from '../../lib/store/sealed-chain'

/** So many sessions' keys are kept. */
const KEPT = 10_000

function derive (keyId: string): CipherKey {
  return { keyId, key: randomBytes(32), authenticated: Buffer.alloc(0) }
}

function keyOf (memory: KeyMemory, sesid: string, keyId = 'secret'): Buffer {
  return memory.lend(sesid, keyId, () => derive(keyId), ({ key }) => key)
}

function textOf (stored: string, plain = 'plain', before = plain): OpenedChain {
  return { stored, plain, from: stored.length, before, saves: 0 }
}

function isWiped (key: Buffer): boolean {
  return key.every(byte => byte === 0)
}

t.test('a key is wiped when others take its place, when its session ends, and when all are cleared', async t => {
  const memory = new KeyMemory()
  const first = keyOf(memory, 'first')
  t.equal(keyOf(memory, 'first'), first, 'it is kept')
  for (let count = 1; count < KEPT; count++) keyOf(memory, `other ${count}`)
  t.notOk(isWiped(first))
  keyOf(memory, 'one too many')
  t.ok(isWiped(first))
  const again = keyOf(memory, 'first')
  t.notOk(isWiped(again), 'and derived anew')
  memory.forget('first')
  t.ok(isWiped(again))
  const last = keyOf(memory, 'last')
  memory.clear()
  t.ok(isWiped(last))
})

t.test('keys under all secrets have one bound', async t => {
  const memory = new KeyMemory()
  const keys = Array.from({ length: KEPT }, (_, index) => keyOf(memory, `session ${index}`, `secret ${index % 3}`))
  t.equal(keys.filter(isWiped).length, 0)
  for (let index = 0; index < 10; index++) keyOf(memory, `more ${index}`, `secret ${index % 3}`)
  t.equal(keys.filter(isWiped).length, 10)
})

t.test('a session that moves to another secret leaves no key behind', async t => {
  const memory = new KeyMemory()
  const old = keyOf(memory, 'session', 'old')
  const moved = keyOf(memory, 'session', 'new')
  t.ok(isWiped(old))
  t.notOk(isWiped(moved))
  t.equal(keyOf(memory, 'session', 'new'), moved)
})

t.test('the key of a long id is wiped as soon as it was used', async t => {
  const memory = new KeyMemory()
  t.ok(isWiped(keyOf(memory, 'x'.repeat(129))))
  let lent: Buffer | undefined
  t.throws(() => memory.lend('x'.repeat(129), 'secret', () => derive('secret'), ({ key }) => { lent = key; throw new Error('no') }))
  t.ok(lent !== undefined && isWiped(lent))
})

t.test('the text of a session that was used last is known, for a while', async t => {
  const memory = new KeyMemory()
  memory.remember('session', textOf('sealed'))
  t.equal(memory.knownOf('session')?.stored, 'sealed')
  t.equal(memory.knownOf('another'), undefined)
  memory.remember('session', textOf('Sealed'))
  t.equal(memory.knownOf('session')?.stored, 'Sealed', 'of the same size')
  memory.remember('session', textOf('sealed'.repeat(100), 'plain', 'as long again'.repeat(100)))
  t.equal(memory.knownOf('session')?.stored.length, 600, 'of another one')
  for (let index = 0; index < 9; index++) memory.remember(`big ${index}`, textOf('sealed', 'x'.repeat(1024 * 1024)))
  t.equal(memory.knownOf('session'), undefined, 'eight million characters are kept')
  memory.forget('big 8')
  t.equal(memory.knownOf('big 8'), undefined)
  t.not(memory.knownOf('big 4'), undefined)
  memory.remember('big 7', textOf('sealed', 'x'.repeat(1024 * 1024), 'y'.repeat(5 * 1024 * 1024)))
  t.equal(memory.knownOf('big 6'), undefined, 'the text without the last part counts')
  memory.clear()
  t.equal(memory.knownOf('big 7'), undefined)
  memory.remember('x'.repeat(129), textOf('sealed'))
  t.equal(memory.knownOf('x'.repeat(129)), undefined)
})
