import { performance } from 'node:perf_hooks'
import t from 'tap'
import { FORWARDING } from '../../../lib/store/forwarding'
import { portableSession, sessionInfo, storedSession } from '../../../lib/store/postgres/session-row'
import { toColumn } from '../../../lib/store/postgres/text-column'

const NOW = 1_700_000_000_000
const VERSION = 'abcdefghijklmnop'
const LIMITS = { idleTimeout: 1000, absoluteTimeout: undefined }

/** A row of a session that began and was last used so many seconds ago, with an idle timeout of its own or not. */
function about (age: number, idle: number, idleTimeout?: number): string {
  return [NOW, VERSION, NOW - age * 1000, NOW - idle * 1000, ...idleTimeout === undefined ? [] : [idleTimeout]].join(' ')
}

t.test('a row is a session, with its times by the clock of the server', async t => {
  t.intercept(performance, 'now', { value: () => 5_000_000 })
  const session = storedSession({ text: toColumn('a\0text'), about: about(500, 20, 60) }, LIMITS)
  const { clock, ...rest } = session ?? {}
  t.strictSame(rest, { text: 'a\0text', version: VERSION, idleTimeout: 60, createdAt: NOW - 500_000, touchDue: true, idleLeft: 40_000, lastAccess: NOW - 20_000 })
  t.equal(clock, NOW - 5_000_000)
  t.match(storedSession({ text: '', about: about(500, 20) }, LIMITS), { idleTimeout: undefined, idleLeft: 980_000, touchDue: false }, 'the timeout of the store')
})

t.test('there is none where no row is, or where it has expired', async t => {
  t.equal(storedSession({ text: null, about: String(NOW) }, LIMITS), null)
  t.not(storedSession({ text: '', about: about(999, 999) }, LIMITS), null)
  t.equal(storedSession({ text: '', about: about(1000, 1000) }, LIMITS), null)
  t.equal(storedSession({ text: '', about: about(60, 60, 60) }, LIMITS), null, 'its own timeout counts')
  t.not(storedSession({ text: '', about: about(60, 60, 60) }, { ...LIMITS, isLeast: true }), null, 'but not for lists, which live as long as the store says at least')
  t.equal(storedSession({ text: '', about: about(50, 0) }, { ...LIMITS, absoluteTimeout: 50 }), null)
  t.match(storedSession({ text: '', about: about(50, 0) }, { ...LIMITS, absoluteTimeout: 51 }), { idleLeft: 1000 })
})

t.test('times ahead of a clock that was put back count as now', async t => {
  t.match(storedSession({ text: '', about: about(-500, -500) }, LIMITS), { idleLeft: 1_000_000, touchDue: false })
  t.match(sessionInfo({ name: 'n', status: 'live', size: 0, about: about(-500, -500) }, LIMITS), { age: 0, idle: 0 })
})

t.test('a list says age, idle time, what is left of it, and size, of what is alive', async t => {
  t.strictSame(sessionInfo({ name: 'n', status: 'live', size: '12', about: about(500, 20) }, LIMITS), { age: 500_000, idle: 20_000, idleLeft: 980_000, size: 12 })
  for (const status of ['ended', 'aside', 'forwarding']) t.equal(sessionInfo({ name: 'n', status, size: 1, about: about(1, 1) }, LIMITS), null)
  t.equal(sessionInfo({ name: 'n', status: 'live', size: 1, about: about(1000, 1000) }, LIMITS), null)
})

t.test('a copy has all that is known of a session that is alive', async t => {
  const row = { name: 'n', status: 'live', text: toColumn('a\0text'), about: about(500, 20, 60) }
  t.strictSame(portableSession(row, LIMITS), { name: 'n', text: 'a\0text', idleTimeout: 60, createdAt: NOW - 500_000, lastAccess: NOW - 20_000 })
  for (const other of [{ status: 'ended' }, { about: about(500, 60, 60) }, { text: `${FORWARDING}x` }]) t.equal(portableSession({ ...row, ...other }, LIMITS), null)
})
