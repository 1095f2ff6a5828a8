import t from 'tap'
import { OpenedSession } from '../../lib/session/opened-session'
import { RenewalTimes } from '../../lib/session/renewal-times'
import { SessionCipher } from '../../lib/store/session-cipher'
import { headFor } from '../../lib/store/session-header'
import type { StoredSession } from '../../lib/store/session-record'

const NOW = Date.UTC(2026, 0, 1)
const HOUR = 3600_000
const MINUTE = 60_000
const times = new RenewalTimes({ after: 3600, grace: 10 }, true, () => NOW)
const cipher = new SessionCipher('sid', false)

/** A session as old as that, whose id is as old as that, if it was renewed; milliseconds. */
function session (age?: number, idAge?: number): StoredSession {
  const head = headFor(idAge === undefined ? {} : { renewedAt: NOW - idAge })
  const createdAt = age === undefined ? undefined : NOW - age
  return new OpenedSession(cipher, { sesid: 'id', name: 'name' }, { text: `${head}{}`, version: '1', createdAt, idleTimeout: undefined, idleLeft: undefined, touchDue: false })
}

t.test('an id is renewed at its age', async t => {
  t.equal(times.isDue(session(HOUR)), true)
  t.equal(times.isDue(session(HOUR - 1)), false)
  t.equal(times.isDue(session(24 * HOUR, HOUR - 1)), false, 'of an id that was renewed, not at that of the session')
  t.equal(times.isDue(session(24 * HOUR, HOUR)), true)
  t.equal(times.isDue(session(undefined, HOUR)), true)
  t.equal(times.isDue(session()), false, 'one whose age no store knows stays')
})

t.test('a moment that lies further ahead than clocks differ is that of a wrong clock', async t => {
  t.equal(times.isDue(session(-MINUTE)), false)
  t.equal(times.isDue(session(-MINUTE - 1)), true)
  t.equal(times.isDue(session(0, -MINUTE - 1)), true)
})

t.test('what the session layer goes by', async t => {
  t.match(times, { grace: 10, datesAll: true })
  t.equal(times.now(), NOW)
  t.equal(new RenewalTimes({ after: 3600, grace: 10 }, false, () => NOW).datesAll, false)
})
