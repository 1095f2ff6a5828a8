import { setImmediate as later } from 'node:timers/promises'
import { SessionError } from 'fastify-file-sessions'
import { openSite, visit } from '../support/site.mjs'

const UPDATES = 300

async function parallelUpdates (ground) {
  let calls = 0
  const app = await openSite(ground, { sessionDir: ground.directory() }, {
    routes (app) {
      app.post('/slow-count', async ({ session }) => {
        await session.update(async draft => {
          calls++
          await later()
          draft.n++
        })
        return {}
      })
    }
  })
  const { cookie } = await visit(app, '/set', { body: { n: 0 } })
  const answers = await Promise.all(Array.from({ length: UPDATES }, () => visit(app, '/slow-count', { cookie, body: {} })))
  const acknowledged = answers.filter(({ status }) => status === 200).length
  const { body: { n } } = await visit(app, '/read', { cookie })
  ground.tried(UPDATES)
  ground.succeeded('an update fails without another process that writes', UPDATES - acknowledged)
  ground.succeeded('acknowledged and stored updates differ', Math.abs(acknowledged - n))
  ground.succeeded(`${UPDATES} updates call their function ${calls} times`, calls > 2 * UPDATES ? 1 : 0)
}

async function nestedUpdate (ground) {
  for (const isAwaited of [true, false]) {
    const state = { calls: 0 }
    const app = await openSite(ground, { sessionDir: ground.directory() }, {
      routes (app) {
        app.post('/nested', async ({ session }) => {
          await session.update(async draft => {
            state.calls++
            draft.n++
            const inner = session.update(draft => { draft.m = 1 }).then(() => null, error => error)
            if (isAwaited) state.error = await inner
            else inner.then(error => { state.error = error })
            await later()
          })
          return {}
        })
      }
    })
    const { cookie } = await visit(app, '/set', { body: { n: 0 } })
    await visit(app, '/nested', { cookie, body: {} })
    ground.tried()
    ground.succeeded(`an update within an update of the session makes it run ${state.calls} times`, state.calls > 1 ? 1 : 0)
    ground.succeeded('an update within an update of the session is not refused with a SessionError', state.error instanceof SessionError ? 0 : 1)
  }
}

export const attacks = [
  { entry: 3, name: '300 parallel async updates of one session', run: parallelUpdates },
  { entry: 3, name: 'an update within an update of the same session', run: nestedUpdate }
]
