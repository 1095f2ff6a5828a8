import { fakeClock } from '../support/fake-clock.mjs'
import { openSite, visit } from '../support/site.mjs'

const YEAR = 365 * 24 * 3600_000

/** People who test their apps put a clock of their own in place of Node's, often before the app is made. */
async function newSessions (ground, fakesTimers) {
  for (const ahead of [7_200_001, YEAR, 20 * YEAR]) {
    for (const options of [{}, { absoluteTimeout: 3600 }, { cookie: { maxAge: 3600 } }]) {
      const clock = fakeClock({ ahead, fakesTimers })
      const app = await openSite(ground, { sessionDir: ground.directory(), reapInterval: 0, ...options })
      try {
        const login = await visit(app, '/login', { body: { user: 'ann' } })
        for (const milliseconds of [0, 1000]) {
          clock.advance(milliseconds)
          const { body } = await visit(app, '/read', { cookie: login.cookie })
          ground.judge(body.user !== 'ann', 'a new session is expired at once when the clock is faked')
        }
        const { status } = await visit(app, '/count', { cookie: login.cookie, body: {} })
        ground.judge(status !== 200, 'a new session cannot be updated when the clock is faked')
        await app.sessionStore.reap()
        const { body } = await visit(app, '/read', { cookie: login.cookie })
        ground.judge(body.user !== 'ann', 'a sweep removes a new session when the clock is faked')
      } finally {
        clock.restore()
      }
    }
  }
}

export const attacks = [
  { entry: 28, name: 'Date faked ahead', run: ground => newSessions(ground, false) },
  { entry: 28, name: 'Date and timers faked ahead', run: ground => newSessions(ground, true) }
]
