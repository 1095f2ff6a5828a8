import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { unopened, UnopenedError, unopenedSessions } from '../lib/unopened'

const NONE = { damaged: 0, plain: 0, unlisted: 0, unconfigured: 0, newer: 0 }

t.test('sessions that are not served are counted by app and cause', async t => {
  t.strictSame(unopenedSessions('nobody'), NONE)
  unopened('shop', 'damaged')
  unopened('shop', 'damaged')
  unopened('shop', 'newer')
  unopened('sid', 'plain')
  t.strictSame(unopenedSessions('shop'), { ...NONE, damaged: 2, newer: 1 })
  t.strictSame(unopenedSessions(), { ...NONE, plain: 1 }, 'the default appid')
  const counts = unopenedSessions('shop')
  unopened('shop', 'damaged')
  t.equal(counts.damaged, 2, 'the counts of a moment stay as they were')
})

t.test('the error says why, and what to do', async t => {
  for (const [cause, message] of [
    ['damaged', /does not open/], ['plain', /acceptPlain is false/], ['unlisted', /list it again/], ['unconfigured', /give it again/], ['newer', /update this process/]
  ] as const) {
    const error = unopened('errors', cause)
    t.ok(error instanceof UnopenedError)
    t.match(error, { code: 'SESSION_UNOPENED', reason: cause, message, cause: undefined })
  }
})

t.test('each is told to those who watch', async t => {
  const events: unknown[] = []
  const note = (event: unknown): void => { events.push(event) }
  subscribe('fastify-file-sessions:unopened', note)
  unopened('watched', 'unlisted')
  unsubscribe('fastify-file-sessions:unopened', note)
  unopened('watched', 'unlisted')
  t.strictSame(events, [{ appid: 'watched', reason: 'unlisted' }])
  t.equal(unopenedSessions('watched').unlisted, 2)
})
