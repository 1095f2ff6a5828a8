import { openSite, visit } from '../support/site.mjs'

/** The first must be no reason to fail; others may be, if the codec says so. */
const DEPTHS = [2000, 3000, 5000, 20_000]
const UPDATES = 5

async function deepData (ground) {
  const app = await openSite(ground, { sessionDir: ground.directory() })
  for (const depth of DEPTHS) {
    const { cookie, status } = await visit(app, '/set', { body: { n: 0 } })
    if (status !== 200) throw new Error('the session could not be made')
    // By update(), so that the session has the data in the very request that changes them.
    const deep = await visit(app, '/set', { cookie, body: `{"x":${'['.repeat(depth)}${']'.repeat(depth)}}`, headers: { 'content-type': 'application/json' } })
    if (deep.status !== 200) ground.judge(depth === DEPTHS[0] || !deep.body.isSessionError, 'a session cannot be saved for its depth, or the error is not a SessionError')
    let expected = 0
    for (let update = 0; update < UPDATES; update++) {
      const { status, body } = await visit(app, '/count', { cookie, body: {} })
      const n = await counted(app, cookie)
      ground.tried()
      if (status === 200) {
        expected++
        ground.succeeded('an update that was acknowledged is missing', n === expected ? 0 : 1)
      } else {
        ground.succeeded('an update that failed is stored', n === expected ? 0 : 1)
        ground.succeeded('an update fails for the depth of the data', depth === DEPTHS[0] ? 1 : 0)
        ground.succeeded('update() rejects with an error that is not a SessionError', body.isSessionError ? 0 : 1)
        expected = n
      }
    }
  }
}

/** What the store has, whether or not a request can be answered with it. */
async function counted (app, cookie) {
  const text = await app.sessionStore.getSession(decodeURIComponent(cookie.split('=')[1]))
  return Number(/"n":(\d+)/.exec(text)[1])
}

export const attacks = [{ entry: 2, name: 'update() of data that are nested deeply', run: deepData }]
