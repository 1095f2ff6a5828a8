import t from 'tap'
import { headerOf, isPast, isSameHeader, OpenedSession, sealedText } from '../../lib/session/opened-session'
import { SessionCipher } from '../../lib/store/session-cipher'
import { headFor, NO_HEADER } from '../../lib/store/session-header'
import { MemoryStore } from '../support/map-store'

const stored = { text: '{}', idleTimeout: undefined, createdAt: undefined, version: '1', touchDue: false }

t.test('whether a session has expired since it was read', t => {
  const store = new MemoryStore()
  const key = { sesid: 'id', name: store.nameOf('id') }
  t.equal(isPast(new OpenedSession(store.cipher, key, { ...stored, idleLeft: undefined })), false)
  t.equal(isPast(new OpenedSession(store.cipher, key, { ...stored, idleLeft: 3600_000 })), false)
  t.equal(isPast(new OpenedSession(store.cipher, key, { ...stored, idleLeft: -1 })), true)
  t.equal(isPast(new OpenedSession(store.cipher, key, { ...stored, idleLeft: 5000 })), true, 'or may have when the store is called')
  t.strictSame(headerOf(new OpenedSession(store.cipher, key, { ...stored, text: '$ffh1$damaged\n{}', idleLeft: undefined })), {}, 'nothing is known of it')
  t.end()
})

t.test('a text is opened when it is asked for, and once', t => {
  const cipher = new SessionCipher('sid', { secrets: undefined, acceptPlain: false, writePlain: false })
  const sealed = cipher.seal('the id', '{"a":1}', headFor({ freshAt: 5 }))
  let opened = 0
  const { open } = cipher
  cipher.open = (...call) => { opened++; return open.apply(cipher, call) }
  const key = { sesid: 'the id', name: 'the name' }
  const session = new OpenedSession(cipher, key, { ...stored, text: sealed, idleTimeout: 60, createdAt: 7, idleLeft: 8, clock: 9 })
  t.match(session, { idleTimeout: 60, createdAt: 7, version: '1', touchDue: false, idleLeft: 8, clock: 9 }, 'what else the store said stays')
  t.equal(sealedText(session), sealed)
  t.strictSame(headerOf(session), { freshAt: 5 })
  t.equal(opened, 0)
  t.equal(session.text, '{"a":1}')
  t.equal(session.text, '{"a":1}')
  t.equal(opened, 1)
  t.equal(new OpenedSession(cipher, key, { ...stored, text: sealed, idleLeft: undefined }, '{"a":1}').text, '{"a":1}', 'which is known of one that was just stored')
  t.equal(opened, 1)
  const other = new OpenedSession(cipher, { ...key, sesid: 'another id' }, { ...stored, text: sealed, idleLeft: undefined })
  for (let times = 0; times < 2; times++) t.throws(() => other.text, { code: 'SESSION_UNOPENED' }, 'each time')
  t.strictSame(headerOf(other), { freshAt: 5 }, 'the header is known all the same')
  t.end()
})

t.test('a session as the store read it is its own text, without a header', t => {
  const session = { ...stored, text: '{"a":1}', idleLeft: -1 }
  t.equal(sealedText(session), '{"a":1}')
  t.equal(headerOf(session), NO_HEADER)
  t.equal(isPast(session), false, 'no index has it, so that nothing could miss it')
  t.end()
})

t.test('headers that say the same', t => {
  t.ok(isSameHeader(NO_HEADER, {}))
  t.ok(isSameHeader({ freshAt: 5, indexed: { label: 'login' } }, { freshAt: 5, indexed: { label: 'login' } }))
  t.ok(isSameHeader({ freshAt: 5 }, { freshAt: 5, renewedAt: undefined }))
  t.notOk(isSameHeader({ freshAt: 5 }, { freshAt: 6 }))
  t.notOk(isSameHeader({ indexed: { label: 'login' } }, { indexed: { label: 'another' } }))
  t.notOk(isSameHeader(NO_HEADER, { freshAt: 5 }))
  t.end()
})
