import { performance } from 'node:perf_hooks'
import t from 'tap'
import { NO_VERSION } from '../../../lib/store/index-lists'
import { isDamaged, portableSession, sessionInfo, storedSession, storedValue, type StoredValue } from '../../../lib/store/redis/stored-value'
import { DAMAGED_TEXT } from '../../../lib/store/session-header'

const NOW = 1_700_000_000_000
const LIMITS = { idleTimeout: 1000, absoluteTimeout: undefined }
const [VERSION, EARLIER] = ['abcdefghijklmnop', 'ABCDEFGHIJK1700000000']

interface Parts { access?: number, created?: number, idleTimeout?: number, earlier?: string[], text?: string }

/** The value of a key, as scripts write it: times in seconds before now. */
function valueOf ({ access = 0, created = 0, idleTimeout = 0, earlier = [], text = 'text' }: Parts = {}): string {
  const time = (seconds: number): string => String(NOW - seconds * 1000).padStart(13, '0')
  return `S1${time(access)}${time(created)}${time(0)}${String(idleTimeout).padStart(10, '0')}${VERSION}${String(earlier.length).padStart(2, '0')}${earlier.join('')}${text}`
}

const read = (value: string, limits = LIMITS): StoredValue => storedValue(value, NOW, limits) as StoredValue

t.test('a value is a session, with the times of the server', async t => {
  t.strictSame(read(valueOf({ access: 20, created: 500, idleTimeout: 60, text: 'grüße' })), {
    text: 'grüße', idleTimeout: 60, createdAt: NOW - 500_000, lastAccess: NOW - 20_000, version: VERSION, now: NOW, idleLeft: 40_000
  })
  t.match(read(valueOf({ earlier: [EARLIER, EARLIER], text: '' })), { text: '', version: VERSION })
  t.match(read(valueOf({ earlier: Array<string>(64).fill(EARLIER), text: EARLIER })), { text: EARLIER })
})

t.test('it ends by its own timeout or that of the store, and by the absolute one', async t => {
  t.equal(storedValue(valueOf({ access: 1000 }), NOW, LIMITS), null)
  t.match(read(valueOf({ access: 999 })), { idleLeft: 1000 })
  t.equal(storedValue(valueOf({ access: 60, idleTimeout: 60 }), NOW, LIMITS), null)
  t.match(read(valueOf({ access: 1500, idleTimeout: 2000 })), { idleLeft: 500_000 })
  const absolute = { ...LIMITS, absoluteTimeout: 50 }
  t.equal(storedValue(valueOf({ created: 50 }), NOW, absolute), null)
  t.match(storedValue(valueOf({ created: 49 }), NOW, absolute), { idleLeft: 1000 })
})

t.test('a value that was cut off or changed has a text that does not open, at no version', async t => {
  const whole = valueOf({ earlier: [EARLIER] })
  const damaged = [
    ...Array.from({ length: whole.length - 'text'.length }, (_, length) => whole.slice(0, length)), whole.replace('S1', 'S2'), `x${whole}`,
    whole.replace('01ABC', '02ABC'), whole.replace('01ABC', '65ABC'), whole.replace(EARLIER, EARLIER.replace('A', '!')), whole.replace(VERSION, VERSION.replace('a', ' '))
  ]
  for (const value of damaged) {
    const session = read(value)
    t.ok(isDamaged(session), value)
    t.match(session, { text: DAMAGED_TEXT, version: NO_VERSION, createdAt: NOW, idleLeft: 1_000_000 })
  }
  t.notOk(isDamaged(read(whole)))
})

t.test('the store returns it with a touch that is due after a tenth of the timeout, or a minute', async t => {
  t.intercept(performance, 'now', { value: () => 5_000_000 })
  const { clock, ...session } = storedSession(read(valueOf({ access: 20, created: 500, idleTimeout: 60 })), LIMITS)
  t.strictSame(session, { text: 'text', version: VERSION, idleTimeout: 60, createdAt: NOW - 500_000, touchDue: true, idleLeft: 40_000, lastAccess: NOW - 20_000 })
  t.equal(clock, NOW - 5_000_000)
  t.match(storedSession(read(valueOf({ access: 60 })), LIMITS), { idleTimeout: undefined, touchDue: false })
  t.match(storedSession(read(valueOf({ access: 61 })), LIMITS), { touchDue: true })
})

t.test('a list and a copy say what is known of it', async t => {
  const value = read(valueOf({ access: 20, created: 500, text: 'ü' }))
  t.strictSame(sessionInfo(value), { age: 500_000, idle: 20_000, idleLeft: 980_000, size: 2 })
  t.strictSame(portableSession('name', value), { name: 'name', text: 'ü', idleTimeout: undefined, createdAt: NOW - 500_000, lastAccess: NOW - 20_000 })
})
