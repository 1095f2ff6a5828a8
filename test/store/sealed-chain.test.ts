import { equal, ok } from 'node:assert/strict'
import t from 'tap'
import { encrypt } from '../../lib/store/aes-gcm'
import { encryptionOptions, type EncryptionOptions } from '../../lib/store/encryption-options'
import { KeyMemory } from '../../lib/store/key-memory'
import { MOST_SAVES } from '../../lib/store/sealed-chain'
import { LONGEST_PARTS, plainSize, storedSize } from '../../lib/store/sealed-text'
import { SessionCipher } from '../../lib/store/session-cipher'
import { headFor } from '../../lib/store/session-header'
import { SessionKeys } from '../../lib/store/session-keys'
import fc from '../support/fast-check'
import { rounds } from '../support/tier'

const OLD = 'an old secret of 32 bytes at least'
const NEW = 'a new secret of 32 bytes at least'
const ID = 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6'
const HEAD = headFor({ indexed: { user: 'tag' }, freshAt: 1.5 })

function cipherOf (encryption: boolean | EncryptionOptions = { secrets: [NEW] }, appid = 'sid'): SessionCipher {
  return new SessionCipher(appid, encryptionOptions(encryption))
}

/** Returns the plain text; null when it does not open. */
function opened (cipher: SessionCipher, text: string, sesid = ID): string | null {
  try {
    return cipher.open(sesid, text)
  } catch (error) {
    equal((error as { code: string }).code, 'SESSION_UNOPENED')
    return null
  }
}

/** The whole, with what stands before it, and the parts. */
function partsOf (sealed: string): string[] {
  return sealed.slice(sealed.indexOf('\n') + 1).split('.').map((part, index) => index === 0 ? part : `.${part}`)
}

/** Two counters, far from each other. */
function counting (n: number, size = 600, m = 0): string {
  return JSON.stringify({ n, text: 'x'.repeat(size), m })
}

/** Each text has another one of the two counters changed, so that no part takes the place of the one before. */
function alternating (turn: number, size = 600): string {
  return counting(Math.ceil(turn / 2), size, Math.floor(turn / 2))
}

/** Seals texts one after the other, and returns the last one as it is stored. */
function chainOf (texts: readonly string[], { cipher = cipherOf(), head = '', sesid = ID } = {}): string {
  return texts.reduce((earlier, text) => cipher.seal(sesid, text, head, earlier), '')
}

const TEXTS = [0, 1, 2, 3].map(turn => alternating(turn))

t.test('after any changes every process reads the text that was sealed', async t => {
  // Halves of characters alone, as a codec may write them, end as U+FFFD in either way.
  const unit = fc.constantFrom('a', '.', ':', '\n', '\0', 'é', '\ufeff', '😀', '😁', '\ud83d', '\ude00')
  const some = fc.string({ unit, maxLength: 12 })
  const edits = fc.array(fc.record({ at: fc.nat(1000), removed: fc.nat(8), added: some, looks: fc.boolean(), again: fc.boolean() }), { maxLength: 12 })
  const lengths = new Set<number>()
  fc.assert(fc.property(fc.array(some, { maxLength: 3 }), edits, fc.constantFrom('', HEAD), (first, edits, head) => {
    const [writer, follower] = [cipherOf(), cipherOf()]
    let text = first.join('b'.repeat(300))
    let stored = writer.seal(ID, text, head)
    for (const { at, removed, added, looks, again } of edits) {
      text = text.slice(0, at) + added + text.slice(at + removed)
      if (looks) writer.open(ID, stored)
      if (again) writer.seal(ID, 'what no store took', head, stored)
      stored = writer.seal(ID, text, head, stored)
      const read = Buffer.from(text).toString()
      equal(opened(cipherOf(), stored), read)
      if (looks) equal(opened(follower, stored), read)
      equal(plainSize(stored), Buffer.byteLength(text))
      ok(stored.length <= storedSize(Buffer.byteLength(text), true))
      lengths.add(partsOf(stored).length)
    }
  }), { numRuns: rounds(100, 500) })
  t.ok(lengths.has(1) && lengths.has(2) && lengths.has(3), 'with parts and without')
})

t.test('a small change makes a short part, until there are many', async t => {
  for (const [size, head] of [[300, ''], [3000, HEAD], [20_000, ''], [200_000, HEAD]] as const) {
    const cipher = cipherOf()
    let stored = cipher.seal(ID, counting(0, size), head)
    const whole = stored.length
    let longest = 0
    let wholes = 0
    for (let n = 1; n < 200; n++) {
      const next = cipher.seal(ID, alternating(n, size), head, stored)
      if (next.startsWith(stored)) ok(next.length - stored.length < 80)
      else wholes++
      stored = next
      longest = Math.max(longest, stored.length - whole)
      if (n % 10 === 0) equal(opened(cipherOf(), stored), alternating(n, size))
    }
    t.ok(wholes > 0 && longest <= LONGEST_PARTS && longest <= whole / 2 + 10, `${size}`)
  }
})

t.test('a change at the place of the one before takes the place of its part, so many times', async t => {
  for (const head of ['', HEAD]) {
    const [writer, follower] = [cipherOf(), cipherOf()]
    const whole = writer.seal(ID, counting(0), head)
    let stored = whole
    for (let n = 1; n <= MOST_SAVES; n++) {
      const earlier = stored
      stored = writer.seal(ID, counting(n), head, earlier)
      ok(stored.startsWith(whole) && stored.length - whole.length < 80 && partsOf(stored).length === 2)
      equal(opened(cipherOf(), stored), counting(n))
      equal(opened(follower, stored), counting(n), 'it knows the whole, and another part')
      equal(opened(cipherOf(), earlier), counting(n - 1), 'a text of before is one of before')
    }
    const again = writer.seal(ID, counting(1, 300), head, stored)
    t.equal(partsOf(again).length, 1, 'then nothing of the old text stays')
    t.equal(opened(follower, again), counting(1, 300))
  }
})

t.test('processes count the saves together', async t => {
  const ciphers = [cipherOf(), cipherOf(), cipherOf()]
  let stored = chainOf([counting(0)], { cipher: ciphers[0]! })
  const whole = stored
  for (let n = 1; n <= MOST_SAVES; n++) {
    const cipher = ciphers[n % ciphers.length]!
    equal(cipher.open(ID, stored), counting(n - 1))
    stored = cipher.seal(ID, counting(n), '', stored)
    ok(stored.startsWith(whole))
  }
  const cipher = cipherOf()
  cipher.open(ID, stored)
  t.notOk(cipher.seal(ID, counting(1), '', stored).startsWith(whole))
})

t.test('a part that took the place of another has nothing that belongs behind that one', async t => {
  const cipher = cipherOf()
  const whole = cipher.seal(ID, counting(0))
  const first = cipher.seal(ID, counting(1), '', whole)
  const second = cipher.seal(ID, counting(2), '', first)
  const third = cipher.seal(ID, counting(2, 600, 1), '', second)
  const parts = [first, second].map(sealed => sealed.slice(whole.length))
  const last = third.slice(second.length)
  t.equal(third, whole + parts[1] + last)
  for (const text of [first + last, whole + last, first + parts[1], second + parts[0], third + parts[0]]) {
    const knowing = cipherOf()
    knowing.open(ID, third)
    t.equal(opened(knowing, text), null)
    t.equal(opened(cipherOf(), text), null)
  }
})

t.test('a long last part stays, and another one follows it', async t => {
  const cipher = cipherOf()
  const whole = cipher.seal(ID, counting(0, 3000))
  const text = (end: string): string => counting(0, 3000).replace('0', `"${'1'.repeat(300)}${end}"`)
  const first = cipher.seal(ID, text('2'), '', whole)
  const next = cipher.seal(ID, text('3'), '', first)
  t.equal(partsOf(next).length, 3)
  t.ok(next.startsWith(first) && next.length - first.length < 80)
  t.equal(opened(cipherOf(), next), text('3'))
})

t.test('when the text is sealed as a whole', async t => {
  const cipher = cipherOf({ secrets: [NEW, OLD] })
  const sealed = (text: string, earlier: string, head = ''): number => {
    const next = cipher.seal(ID, text, head, earlier)
    t.equal(opened(cipherOf(), next), text)
    return partsOf(next).length
  }
  const chain = chainOf(TEXTS.slice(0, 2), { cipher })
  t.equal(partsOf(chain).length, 2)
  t.equal(sealed(counting(1, 600, 2), chain), 3)
  t.equal(sealed(counting(1, 600, 3), chain), 1, 'the earlier text is not the one that is known')
  cipher.open(ID, chain)
  t.equal(sealed(counting(1, 600, 3), chain), 3, 'by now it is')
  cipher.open(ID, chain)
  t.equal(sealed(counting(1, 600, 3), chain, HEAD), 1, 'another header')
  const headed = chainOf(TEXTS.slice(0, 2), { cipher, head: HEAD })
  t.equal(partsOf(headed).length, 2)
  t.equal(sealed(counting(1, 600, 2), headed), 1, 'no header')
  cipher.open(ID, chain)
  cipher.forget(ID)
  t.equal(sealed(counting(1, 600, 3), chain), 1, 'a text that has left the memory')
  const old = chainOf(TEXTS.slice(0, 2), { cipher: cipherOf({ secrets: [OLD] }) })
  t.equal(opened(cipher, old), counting(1))
  t.equal(sealed(counting(1, 600, 3), old), 1, 'an older secret')
  const unsecret = chainOf(TEXTS.slice(0, 2), { cipher: cipherOf(true) })
  t.equal(opened(cipher, unsecret), counting(1))
  t.equal(sealed(counting(1, 600, 3), unsecret), 1, 'none')
  cipher.open(ID, chain)
  t.equal(sealed(counting(1) + 'y'.repeat(300), chain), 1, 'a large change')
  cipher.open(ID, chain)
  t.equal(sealed('{}', chain), 1, 'a small rest')
  t.equal(partsOf(chainOf(['{"n":1}', '{"n":2}'])).length, 1, 'a short text')
  t.equal(partsOf(chainOf(TEXTS, { sesid: 'x'.repeat(129) })).length, 1, 'an id that is not remembered')
  t.equal(cipherOf({ writePlain: true }).seal(ID, counting(1, 600, 2), '', chain), counting(1, 600, 2))
})

t.test('a chain of which any bit was changed does not open, not even the start of it', async t => {
  for (const head of ['', HEAD]) {
    const whole = chainOf(TEXTS.slice(0, 1), { head })
    const cipher = cipherOf()
    const knowing = cipherOf()
    cipher.open(ID, whole)
    const chain = TEXTS.slice(1).reduce((earlier, text) => cipher.seal(ID, text, head, earlier), whole)
    t.equal(partsOf(chain).length, 4)
    const bytes = Buffer.from(chain)
    const start = head.length + 4
    // Every bit of the parts, and of the whole as far as it is not tried by other tests.
    for (let at = start; at < bytes.length; at += at < whole.length - 40 ? 17 : 1) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(bytes)
        changed[at] = bytes.readUInt8(at) ^ 1 << bit
        const text = changed.toString('latin1')
        if (opened(cipher, text) !== null) t.fail(`bit ${bit} of ${at}`)
        // It has the right whole, or the right chain, in its memory.
        knowing.open(ID, at % 2 === 0 ? whole : chain)
        if (opened(knowing, text) !== null) t.fail(`bit ${bit} of ${at}, after a look`)
      }
    }
    t.equal(opened(cipher, chain), TEXTS[3])
  }
})

t.test('a chain that was cut off is an earlier text, or none', async t => {
  const parts = partsOf(chainOf(TEXTS))
  const chain = parts.join('')
  const ends = parts.map((_, index) => parts.slice(0, index + 1).join('').length)
  const knowing = cipherOf()
  for (let length = 4; length <= chain.length; length++) {
    const end = ends.indexOf(length)
    const said = end === -1 ? null : TEXTS[end]
    const text = chain.slice(0, length)
    knowing.open(ID, parts[0] as string)
    if (opened(cipherOf(), text) !== said || opened(knowing, text) !== said) t.fail(`${length} of ${chain.length}`)
  }
  for (const more of ['.', '..', '.1', '.1:', '.1:AAAA', 'A', '=', `.${chain.length}:${'A'.repeat(60)}`]) {
    t.equal(opened(cipherOf(), chain + more), null, more)
    t.equal(opened(cipherOf(), parts[0] + more), null, more)
  }
})

t.test('parts that were left out, put in another order or doubled do not open', async t => {
  const parts = partsOf(chainOf(TEXTS))
  const [whole = '', ...rest] = parts
  fc.assert(fc.property(fc.array(fc.constantFrom(...rest), { maxLength: 6 }), chosen => {
    const text = whole + chosen.join('')
    const said = parts.join('').startsWith(text) ? TEXTS[chosen.length] : null
    const knowing = cipherOf()
    knowing.open(ID, whole)
    return opened(cipherOf(), text) === said && opened(knowing, text) === said
  }), { numRuns: rounds(100, 500) })
  t.equal(opened(cipherOf(), rest.join('')), rest.join(''), 'without a heading it is a plain text, which is no session of a store that accepts none')
  t.equal(opened(cipherOf({ secrets: [NEW], acceptPlain: false }), rest.join('')), null)
})

t.test('a part belongs to one text of one session', async t => {
  const [whole = '', first = '', second = ''] = partsOf(chainOf(TEXTS))
  const others = {
    'of another chain of the session': chainOf(TEXTS),
    'of another session': chainOf(TEXTS, { sesid: 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF7' }),
    'of another app': chainOf(TEXTS, { cipher: cipherOf({ secrets: [NEW] }, 'shop') }),
    'under another secret': chainOf(TEXTS, { cipher: cipherOf({ secrets: [OLD] }) }),
    'without a secret': chainOf(TEXTS, { cipher: cipherOf(true) }),
    'behind a header': chainOf(TEXTS, { head: HEAD })
  }
  for (const [name, other] of Object.entries(others)) {
    const [, theirs = '', next = ''] = partsOf(other)
    for (const text of [whole + theirs, whole + first + next, whole + theirs + next, whole + theirs + second]) t.equal(opened(cipherOf(), text), null, name)
  }
  // Two processes built on one text. One of the two was stored, and nothing follows the other.
  const [one, two] = [cipherOf(), cipherOf()]
  for (const cipher of [one, two]) cipher.open(ID, whole)
  const [won, lost] = [one.seal(ID, counting(7), '', whole), two.seal(ID, counting(8), '', whole)]
  const next = one.seal(ID, counting(7, 600, 1), '', won)
  t.ok(next.startsWith(won))
  t.equal(opened(cipherOf(), next), counting(7, 600, 1))
  t.equal(opened(two, next), counting(7, 600, 1), 'a process whose save has lost reads the one that has won')
  t.equal(opened(cipherOf(), lost + next.slice(won.length)), null)
  // A header that was changed, or put before a chain.
  const headed = chainOf(TEXTS, { head: HEAD })
  t.equal(opened(cipherOf(), headed), TEXTS[3])
  t.equal(opened(cipherOf(), headed.replace('1.5', '2.5')), null)
  t.equal(opened(cipherOf(), headed.slice(HEAD.length)), null)
  t.equal(opened(cipherOf(), HEAD + whole + first), null)
})

t.test('a part that makes no sense is not applied, though it is authentic', async t => {
  const whole = cipherOf().seal(ID, 'text')
  const keys = new SessionKeys('sid', NEW, new KeyMemory())
  const withPart = (bytes: Buffer, size: string): string => whole + size + keys.lend(ID, ({ key, authenticated }) => {
    return encrypt(key, bytes, Buffer.concat([authenticated, Buffer.from(whole.slice(-22) + size)]))
  })
  const patch = (prefix: number, suffix: number): Buffer => Buffer.from([prefix, 0, 0, 0, suffix, 0, 0, 0, 1])
  t.equal(opened(cipherOf(), withPart(patch(3, 1), '.4:')), 'text')
  t.equal(opened(cipherOf(), withPart(patch(3, 0), '.3:')), 'tex')
  t.equal(opened(cipherOf(), withPart(patch(3, 2), '.5:')), null, 'it is of a longer text')
  t.equal(opened(cipherOf(), withPart(patch(3, 1).subarray(1), '.4:')), null, 'a byte is missing')
})
