import { statSync } from 'node:fs'
import t, { type Test } from 'tap'
import { Clock } from '../../../lib/store/clock'
import { viewOf, type FileView } from '../../../lib/store/files/file-view'
import type { JournalRecord } from '../../../lib/store/files/journal'
import { holdsSession, lifespan, SessionAges, type SessionView } from '../../../lib/store/files/session-age'
import { recordOf } from '../../support/journal-files'

const HOUR = 3600_000
const NOW = 1_700_000_000_000
const ages = new SessionAges({ idleTimeout: 7200, absoluteTimeout: undefined }, new Clock(() => NOW, () => 0))

/** The view of a file that was last read and written so many milliseconds ago. */
function viewed (t: Test, accessed: number, tip: Partial<JournalRecord> | null = {}, modified = accessed): FileView {
  const status = Object.assign(statSync(t.testdir()), { atimeMs: NOW - accessed, mtimeMs: NOW - modified })
  return viewOf(status, tip === null ? null : recordOf('text', { createdAt: NOW - 10 * HOUR, ...tip }), 0, false, 0)
}

t.test('a session lives until nothing used its file for the idle timeout', async t => {
  const view = viewed(t, HOUR, {}, 3 * HOUR) as SessionView
  t.equal(ages.timeLeft(view), HOUR)
  t.equal(ages.live(view), view)
  t.match(ages.stored(view), { text: 'text', version: view.tip.id, idleTimeout: undefined, createdAt: NOW - 10 * HOUR, idleLeft: HOUR, touchDue: true })
  const over = viewed(t, 2 * HOUR)
  t.strictSame([ages.live(over), ages.stored(over), ages.isOver(over)], [null, null, true])
  t.equal(ages.live(viewed(t, 2 * HOUR + 50_000), 60_000)?.tip.text, 'text', 'and the grace')
  t.equal(ages.timeLeft(viewed(t, 3 * HOUR, { idleTimeout: 4 * 3600 }) as SessionView), HOUR, 'or its own')
})

t.test('what holds no session is over, but a file that is new', async t => {
  for (const tip of [{ ended: true }, null]) {
    const view = viewed(t, HOUR, tip)
    t.equal(holdsSession(view), false)
    t.strictSame([ages.live(view), ages.stored(view), ages.isOver(view)], [null, null, true])
  }
  t.equal(ages.stored(null), null)
  t.equal(ages.isOver(viewed(t, 0, null)), false, 'its maker may be about to write the first record')
  t.equal(ages.isOver(viewed(t, 0)), false)
})

t.test('a touch is due a minute, or a tenth of the idle timeout, after the last use', async t => {
  const due = (accessed: number, modified?: number): boolean => ages.isTouchDue(viewed(t, accessed, {}, modified) as SessionView)
  t.strictSame([due(0), due(59_000), due(61_000)], [false, false, true])
  t.strictSame([due(-61_000), due(0, -61_000)], [true, true], 'a time in the future')
  const just = (accessed: number, modified?: number): boolean => ages.isJustTouched(viewed(t, accessed, {}, modified) as SessionView)
  t.strictSame([just(0), just(900), just(1100), just(0, -1100)], [true, true, false, false])
})

t.test('a listing says age, idle time and size', async t => {
  t.strictSame(ages.info(viewed(t, HOUR) as SessionView), { age: 10 * HOUR, idle: HOUR, idleLeft: HOUR, size: 4 })
  t.strictSame(lifespan(viewed(t, HOUR, null, 2 * HOUR)), { createdAt: NOW - 2 * HOUR, idleTimeout: 0, lastAccess: NOW - HOUR },
    'a file without a record is as old as its last change')
})
