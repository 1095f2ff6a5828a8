import { inspect } from 'node:util'
import t from 'tap'
import type { SessionLog } from '../../lib/session/session-log'
import { Unserved } from '../../lib/session/unserved'
import { encryptionOptions, type EncryptionOptions } from '../../lib/store/encryption-options'
import { SessionCipher } from '../../lib/store/session-cipher'
import { sessionHandle } from '../../lib/store/session-id'
import type { StoredSession } from '../../lib/store/session-record'
import { UnopenedError, unopenedSessions } from '../../lib/unopened'

const [OURS, THEIRS] = ['a secret of ours, of 32 characters and more', 'a secret of others, of 32 characters and more']
const key = { sesid: 'confidential-id', name: 'a'.repeat(64) }

function cipherOf (encryption: boolean | EncryptionOptions): SessionCipher {
  return new SessionCipher('sid', encryptionOptions(encryption))
}

function storedAs (text: string): StoredSession {
  return { text, version: '1', idleTimeout: undefined, createdAt: undefined, touchDue: false, idleLeft: undefined }
}

/** An app of its own each: what is counted is counted by appid. */
function begin (encryption: boolean | EncryptionOptions, appid: string) {
  const lines: Array<{ err?: unknown, session: string, message: string }> = []
  const log: SessionLog = { debug () {}, warn: (details, message) => { lines.push({ ...details, message }) } }
  const unserved = new Unserved(appid, cipherOf(encryption))
  return { unserved, log, lines, admits: (text: string) => unserved.admits(log, key, storedAs(text)) }
}

t.test('what can be opened here, as far as its heading tells, is served; and what is damaged, so that it is set aside', async t => {
  const { admits, lines } = begin({ secrets: [OURS], acceptPlain: false }, 'served')
  const sealed = cipherOf({ secrets: [OURS] }).seal(key.sesid, '{"a":1}')
  for (const text of [sealed, `${sealed.slice(0, -1)}`, '$ffh1$', '$ffs']) t.equal(admits(text), true, text)
  t.strictSame(lines, [])
  t.match(unopenedSessions('served'), { damaged: 0, plain: 0, unlisted: 0 })
  t.equal(begin(false, 'plain').admits('{"a":1}'), true)
})

t.test('what this process lacks the means for is left alone: counted each time, told once for each cause', async t => {
  const sealed = cipherOf({ secrets: [THEIRS] }).seal(key.sesid, '{"word":"secret"}')
  const { admits, lines } = begin({ secrets: [OURS], acceptPlain: false }, 'refused')
  for (let times = 0; times < 2; times++) {
    t.equal(admits(sealed), false)
    t.equal(admits('{"word":"secret"}'), false)
    t.equal(admits('$ffs9$-$of a newer version'), false)
  }
  const told = { session: sessionHandle(key.name), message: /is not served: it stays where it is, and its visitor has no session. This is said once; unopenedSessions\(\) counts/ }
  t.match(lines, [{ ...told, err: { reason: 'unlisted' } }, { ...told, err: { reason: 'plain' } }, { ...told, err: { reason: 'newer' } }])
  t.equal(lines.length, 3)
  t.notMatch(inspect(lines, { depth: 9, showHidden: true }), /secret"|confidential/)
  t.match(unopenedSessions('refused'), { unlisted: 2, plain: 2, newer: 2 })
})

t.test('a damaged session is told of in other words', async t => {
  const { unserved, log, lines } = begin(true, 'damaged')
  for (let times = 0; times < 2; times++) unserved.tell(log, key.name, new UnopenedError('damaged'))
  t.match(lines, [{ message: /it is set aside, and a new session begins/ }])
  t.equal(lines.length, 1)
})

t.test('that weaker sessions are accepted is said once, until there are none', async t => {
  const { admits, lines } = begin({ secrets: [OURS] }, 'accepting')
  t.equal(admits(cipherOf({ secrets: [OURS] }).seal(key.sesid, '{}')), true)
  t.strictSame(lines, [])
  t.equal(admits('{}'), true)
  t.equal(admits(cipherOf(true).seal(key.sesid, '{}')), true)
  t.match(lines, [{ session: sessionHandle(key.name), message: /not encrypted, or not with a secret, is served.*acceptPlain to false/ }])
  t.equal(lines.length, 1)
})
