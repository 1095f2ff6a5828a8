import t, { type Test } from 'tap'
import diagnosticsChannel from 'node:diagnostics_channel'
import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { Writable } from 'node:stream'
import Fastify from 'fastify'
import fileSessions, { SessionError, SessionFileStore, type ReapableSessionStore, type ReapCounts } from '../../index'
import { Reaper } from '../../lib/plugin/reaper'
import { sessionHandle } from '../../lib/store/session-id'
import type { SessionIndex } from '../../lib/store/session-index'
import { age } from '../support/aged-sessions'
import { newFile, sessionDirectory } from '../support/session-files'

const NOTHING: ReapCounts = { seen: 0, expired: 0, orphans: 0, setAside: 0, failed: 0 }

/** Lines of a log, and a way to wait for the next. */
class Lines {
  readonly lines: Array<{ level: string, fields: Record<string, unknown>, message: string }> = []
  #waiting: (() => void) | undefined

  readonly log = {
    debug: this.#at('debug'), info: this.#at('info'), warn: this.#at('warn')
  }

  #at (level: string) {
    return (fields: unknown, message?: unknown) => {
      this.lines.push({ level, fields: fields as Record<string, unknown>, message: String(message) })
      this.#waiting?.()
    }
  }

  async until (count: number): Promise<void> {
    while (this.lines.length < count) await new Promise<void>(resolve => { this.#waiting = resolve })
  }
}

/** Stands in for the timers: what would be waited for, and to be let run. */
function catchTimers (t: Test) {
  const timers: Array<{ run: () => void, delay: number, unref: boolean, cleared: boolean }> = []
  t.intercept(globalThis, 'setTimeout', {
    value: (run: () => void, delay: number) => {
      const timer = { run, delay, unref: false, cleared: false }
      timers.push(timer)
      return { timer, unref: () => { timer.unref = true } }
    }
  })
  t.intercept(globalThis, 'clearTimeout', {
    value: (handle?: { timer: { cleared: boolean } }) => { if (handle !== undefined) handle.timer.cleared = true }
  })
  return timers
}

function reapingStore (reap: (signal?: AbortSignal) => Promise<ReapCounts>): ReapableSessionStore {
  return {
    features: { reapable: true },
    sesAppid: () => 'sid',
    getSession: async () => null,
    newSession: async () => 'id',
    putSession: async () => {},
    delSession: async () => {},
    reap
  }
}

t.test('rounds come soon after the start, and then at uneven times', async t => {
  const timers = catchTimers(t)
  const randoms = [0.5, 0, 1, 0.5]
  const lines = new Lines()
  const reaper = new Reaper(reapingStore(async () => NOTHING), { interval: 900, log: lines.log, random: () => randoms.shift() as number })
  reaper.start()
  for (const round of [1, 2, 3]) {
    timers.at(-1)?.run()
    await lines.until(round)
    await new Promise(resolve => { setImmediate(resolve) })
  }
  t.strictSame(timers.map(({ delay }) => Math.round(delay)), [30_000, 810_000, 990_000, 900_000])
  t.ok(timers.every(({ unref }) => unref), 'no timer keeps the process running')
  await reaper.stop()
  t.ok(timers.at(-1)?.cleared)
})

t.test('the first round does not wait for longer than the interval', async t => {
  const timers = catchTimers(t)
  const reaper = new Reaper(reapingStore(async () => NOTHING), { interval: 5, log: new Lines().log, random: () => 1 })
  reaper.start()
  t.equal(timers[0]?.delay, 5000)
  await reaper.stop()
})

t.test('one line a round, and a failed round is not the last', async t => {
  const timers = catchTimers(t)
  const error = new SessionError('SESSION_FILE', 'made up')
  const rounds: Array<() => Promise<ReapCounts>> = [
    async () => ({ ...NOTHING, seen: 3 }),
    async () => ({ ...NOTHING, seen: 3, expired: 2 }),
    async () => ({ ...NOTHING, orphans: 1 }),
    async () => ({ ...NOTHING, setAside: 1 }),
    async () => ({ ...NOTHING, seen: 3, expired: 1, failed: 2, error }),
    async () => { throw error },
    async () => NOTHING
  ]
  const lines = new Lines()
  const reaper = new Reaper(reapingStore(async () => await (rounds.shift() as () => Promise<ReapCounts>)()), { interval: 900, log: lines.log })
  reaper.start()
  for (let round = 1; rounds.length > 0; round++) {
    timers.at(-1)?.run()
    await lines.until(round)
    await new Promise(resolve => { setImmediate(resolve) })
  }
  t.strictSame(lines.lines, [
    { level: 'debug', fields: { ...NOTHING, seen: 3 }, message: 'no expired sessions to remove' },
    { level: 'info', fields: { ...NOTHING, seen: 3, expired: 2 }, message: 'expired sessions removed' },
    { level: 'info', fields: { ...NOTHING, orphans: 1 }, message: 'expired sessions removed' },
    { level: 'info', fields: { ...NOTHING, setAside: 1 }, message: 'expired sessions removed' },
    {
      level: 'warn',
      fields: { err: error, ...NOTHING, seen: 3, expired: 1, failed: 2 },
      message: 'some expired sessions could not be removed'
    },
    { level: 'warn', fields: { err: error }, message: 'expired sessions could not be removed: the next round tries again' },
    { level: 'debug', fields: NOTHING, message: 'no expired sessions to remove' }
  ])
  await reaper.stop()
})

t.test('stop ends the round that is under way and waits for it', async t => {
  const timers = catchTimers(t)
  const events: string[] = []
  const store = reapingStore(async signal => {
    await new Promise(resolve => { signal?.addEventListener('abort', resolve) })
    events.push('aborted')
    await new Promise(resolve => { setImmediate(resolve) })
    events.push('round ended')
    return NOTHING
  })
  const reaper = new Reaper(store, { interval: 900, log: new Lines().log })
  reaper.start()
  timers[0]?.run()
  await reaper.stop()
  events.push('stopped')
  t.strictSame(events, ['aborted', 'round ended', 'stopped'])
  t.equal(timers.length, 1, 'no other round is planned')
})

t.test('a reaper that was never started can be stopped', async t => {
  await new Reaper(reapingStore(async () => NOTHING), { interval: 900, log: new Lines().log }).stop()
  t.pass()
})

t.test('the plugin removes expired sessions while the app runs', async t => {
  const sessionDir = sessionDirectory(t)
  await new SessionFileStore({ sessionDir }).newSession()
  const path = newFile(sessionDir)
  age(path, 24 * 3600)
  const ended: unknown[] = []
  const listener = (event: unknown): void => { ended.push(event) }
  diagnosticsChannel.subscribe('fastify-file-sessions:ended', listener)
  t.teardown(() => { diagnosticsChannel.unsubscribe('fastify-file-sessions:ended', listener) })
  let line = ''
  let seen: () => void
  const logged = new Promise<void>(resolve => { seen = resolve })
  const stream = new Writable({
    write (chunk, _encoding, done) {
      if (String(chunk).includes('expired sessions removed')) {
        line = String(chunk)
        seen()
      }
      done()
    }
  })
  const app = Fastify({ logger: { level: 'info', stream } })
  await app.register(fileSessions, { sessionDir, reapInterval: 0.01 })
  // The reaper's timer alone would not keep the process running.
  await app.listen()
  await logged
  t.match(JSON.parse(line), { level: 30, seen: 1, expired: 1, orphans: 0, setAside: 0, failed: 0 })
  t.notOk(existsSync(path))
  t.strictSame(ended, [{ appid: 'sid', session: sessionHandle(basename(dirname(path)) + basename(path)), reason: 'expired' }])
  await app.close()
})

t.test('the plugin\'s reaper starts when the app is ready and stops with it', async t => {
  const starts = t.capture(Reaper.prototype, 'start', () => {})
  const stops = t.capture(Reaper.prototype, 'stop', async () => {})
  const app = Fastify()
  await app.register(fileSessions, { sessionDir: sessionDirectory(t) })
  t.equal(starts().length, 0)
  await app.ready()
  t.equal(starts().length, 1)
  t.equal(stops().length, 0)
  await app.close()
  t.equal(stops().length, 1)
})

t.test('no reaper with reapInterval 0, nor for a store that does not declare that it is reapable', async t => {
  const starts = t.capture(Reaper.prototype, 'start', () => {})
  const { features, ...plainStore } = reapingStore(async () => NOTHING)
  for (const options of [
    { sessionDir: sessionDirectory(t), reapInterval: 0 },
    { store: { ...plainStore, features }, reapInterval: 0 },
    { store: plainStore, reapInterval: 5 },
    { store: plainStore },
    { store: { ...plainStore, features: { reapable: false } } }
  ]) {
    const app = Fastify()
    await app.register(fileSessions, options)
    await app.ready()
    await app.close()
  }
  t.equal(starts().length, 0)
})

t.test('another store that can reap is reaped, as often as reapInterval says', async t => {
  let reaped: () => void
  const called = new Promise<void>(resolve => { reaped = resolve })
  const store = reapingStore(async () => {
    reaped()
    return NOTHING
  })
  const app = Fastify()
  await app.register(fileSessions, { store, reapInterval: 0.01 })
  await app.listen()
  await called
  await app.close()
  t.pass()
})

t.test('lists of sessions are swept after the sessions, and trouble with them ends no rounds', async t => {
  const timers = catchTimers(t)
  const lines = new Lines()
  const trouble = new SessionError('X', 'the disk is away')
  const counts = { lists: 1, removed: 2 }
  const sweeps = [async () => counts, async () => ({ ...counts, error: trouble }), async () => { throw trouble }]
  const index = { sweep: async () => await sweeps.shift()?.() } as unknown as SessionIndex
  const { reap: _, ...store } = reapingStore(async () => NOTHING)
  const reaper = new Reaper({ ...store, features: {} }, { interval: 900, log: lines.log, random: () => 0.5, index })
  reaper.start()
  for (const round of [1, 2, 3]) {
    timers.at(-1)?.run()
    await lines.until(round)
    await new Promise(resolve => { setImmediate(resolve) })
  }
  t.match(lines.lines, [
    { level: 'debug', fields: counts, message: 'lists of sessions swept' },
    { level: 'warn', fields: { ...counts, err: trouble }, message: /some lists of sessions could not be swept/ },
    { level: 'warn', fields: { err: trouble }, message: /the next round tries again/ }
  ])
  t.equal(timers.length, 4)
  await reaper.stop()
})

t.test('lists that cannot be swept are told by the log and by an event', async t => {
  const events: unknown[] = []
  const listener = (event: unknown): void => { events.push(event) }
  diagnosticsChannel.subscribe('fastify-file-sessions:error', listener)
  t.teardown(() => { diagnosticsChannel.unsubscribe('fastify-file-sessions:error', listener) })
  const timers = catchTimers(t)
  const error = new SessionError('SESSION_INDEX', 'made up')
  const sweeps: Array<() => Promise<unknown>> = [async () => ({ seen: 1, removed: 0, failed: 1, error }), async () => { throw error }]
  const lines = new Lines()
  const index = { sweep: () => sweeps.shift()?.() } as unknown as SessionIndex
  const reaper = new Reaper({ ...reapingStore(async () => NOTHING), features: {} }, { interval: 900, log: lines.log, index })
  reaper.start()
  for (const round of [1, 2]) {
    timers.at(-1)?.run()
    await lines.until(round)
    await new Promise(resolve => { setImmediate(resolve) })
  }
  await reaper.stop()
  t.match(lines.lines, [{ level: 'warn', message: /some lists/ }, { level: 'warn', message: /could not be swept: the next round/ }])
  const event = { appid: 'sid', operation: 'reap', code: 'SESSION_INDEX' }
  t.match(events, [event, event])
})
