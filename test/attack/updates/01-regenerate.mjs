import { setTimeout as wait } from 'node:timers/promises'
import { liveSessions } from '../support/files.mjs'
import { barrier, gate, openSite, visit } from '../support/site.mjs'

const ROUNDS = 25
const UPDATERS = 8
const LOGINS = 8

/** Two apps on one directory, as two processes have them: each with a store, a memory and queues of its own. */
async function twoSites (ground, options, extras) {
  const sessionDir = ground.directory()
  return [await openSite(ground, { sessionDir, ...options }, extras), await openSite(ground, { sessionDir, ...options }, extras)]
}

async function updatesBesideRegenerate (ground, durability) {
  const sites = await twoSites(ground, { durability })
  for (let round = 0; round < ROUNDS; round++) {
    const { cookie } = await visit(sites[0], '/set', { body: { n: 0 } })
    let acknowledged = 0
    const state = { isOver: false }
    const update = async site => {
      while (!state.isOver) {
        const { status } = await visit(site, '/count', { cookie, body: {} })
        if (status === 500) ground.succeeded('an update fails')
        if (status !== 200) return
        acknowledged++
      }
    }
    const updaters = Array.from({ length: UPDATERS }, (_, index) => update(sites[index % 2]))
    const login = await visit(sites[round % 2], '/login', { cookie, body: { user: 'ann', keep: ['n'] } })
    if (login.cookie === undefined) state.isOver = true
    await Promise.all(updaters)
    const { body: { n } } = await visit(sites[1], '/read', { cookie: login.cookie ?? cookie })
    ground.tried(acknowledged)
    ground.succeeded('acknowledged updates are missing in the new session', acknowledged - n)
    ground.succeeded('updates are in the new session that were not acknowledged', n - acknowledged)
  }
}

/** All of them have loaded the session before the first regenerates it. */
function loginTogether (state) {
  return app => {
    app.post('/login-together', async ({ session, body }, reply) => {
      session.get('cart')
      await state.meet()
      await session.regenerate(['cart'])
      session.user = body.user
      return reply.send({ deleted: session.deleted })
    })
  }
}

async function parallelLogins (ground) {
  const state = {}
  const sites = await twoSites(ground, {}, { routes: loginTogether(state) })
  for (let round = 0; round < ROUNDS; round++) {
    await sites[0].sessionStore.clear()
    const { cookie } = await visit(sites[0], '/set', { body: { cart: ['tea'] } })
    state.meet = barrier(LOGINS)
    const answers = await Promise.all(Array.from({ length: LOGINS }, (_, index) =>
      visit(sites[index % 2], '/login-together', { cookie, body: { user: `u${index}` } })))
    const winners = answers.filter(({ cookie }) => cookie !== undefined && cookie !== '')
    ground.tried(LOGINS)
    ground.succeeded('parallel logins left more than one session, or none', Math.abs(await liveSessions(sites[0].sessionStore) - 1))
    ground.succeeded('a cookie is in the answer of a login that lost', winners.length - 1)
    ground.succeeded('an answer clears the cookie of the login that won', answers.filter(({ cookie }) => cookie === '').length)
    ground.succeeded('a login that lost is not told that the session is gone', answers.filter(answer => answer.body.deleted === winners.includes(answer)).length)
    for (const { cookie } of winners.slice(0, 1)) await visit(sites[1], '/logout', { cookie, body: {} })
    ground.succeeded('sessions live on after the logout', await liveSessions(sites[0].sessionStore))
  }
}

/** The handler holds the session in its hands while the visitor logs out, and then goes on. */
async function regenerateAfterLogout (ground, keepKeys) {
  const state = {}
  const sites = await twoSites(ground, {}, {
    routes (app) {
      app.post('/renew', async ({ session }) => {
        const { user } = session
        state.loaded.reached.resolve()
        await state.loaded.opened.promise
        await session.regenerate(keepKeys)
        session.user = user
        return { deleted: session.deleted }
      })
    }
  })
  for (let round = 0; round < 20; round++) {
    const { cookie } = await visit(sites[0], '/login', { body: { user: 'ann' } })
    state.loaded = gate()
    const renewing = visit(sites[round % 2], '/renew', { cookie, body: {} })
    await state.loaded.reached.promise
    await visit(sites[0], '/logout', { cookie, body: {} })
    state.loaded.opened.resolve()
    const { body, cookie: renewed } = await renewing
    ground.tried()
    ground.succeeded('a visitor who has logged out has a live session', await liveSessions(sites[0].sessionStore))
    ground.succeeded('session.deleted is false for a session that has ended', body.deleted ? 0 : 1)
    ground.succeeded('the answer has a cookie', renewed === undefined ? 0 : 1)
    await sites[0].sessionStore.clear()
  }
}

async function regenerateBesideLogout (ground) {
  const state = {}
  const sites = await twoSites(ground, {}, {
    routes (app) {
      app.post('/move', async ({ session }) => {
        session.get('cart')
        await state.meet()
        await session.regenerate(['cart'])
        session.user = 'ann'
        return {}
      })
      app.post('/end', async ({ session }) => {
        session.get('cart')
        await state.meet()
        await session.destroy()
        return {}
      })
    }
  })
  for (let round = 0; round < 60; round++) {
    const { cookie } = await visit(sites[0], '/set', { body: { cart: ['tea'] } })
    state.meet = barrier(2)
    const [login, logout] = await Promise.all([
      visit(sites[round % 2], '/move', { cookie, body: {} }),
      visit(sites[1 - round % 2], '/end', { cookie, body: {} })
    ])
    const isLive = (await liveSessions(sites[0].sessionStore)) > 0
    ground.tried()
    // Whichever was first, they agree: either the session moved and its cookie is set, or it ended.
    ground.succeeded('a session lives of which no answer has the cookie', isLive && !login.cookie ? 1 : 0)
    ground.succeeded('the login and the logout both ended the same session', login.cookie && logout.cookie === '' ? 1 : 0)
    await sites[0].sessionStore.clear()
  }
}

async function absoluteTimeout (ground) {
  const app = await openSite(ground, { sessionDir: ground.directory(), absoluteTimeout: 1.5 })
  let { cookie } = await visit(app, '/login', { body: { user: 'ann' } })
  for (let renewal = 0; renewal < 5; renewal++) {
    await wait(400)
    const { body } = await visit(app, '/read', { cookie })
    if (body.user === undefined) break
    const login = await visit(app, '/login', { cookie, body: { user: 'ann', keep: ['user'] } })
    cookie = login.cookie ?? cookie
  }
  // Two seconds have passed if it lives, and absoluteTimeout is less.
  const { body } = await visit(app, '/read', { cookie })
  ground.judge(body.user !== undefined, 'a session that is regenerated again and again outlives absoluteTimeout')
}

export const attacks = [
  { entry: 1, name: "update() beside regenerate(keep), durability 'os'", run: ground => updatesBesideRegenerate(ground, 'os') },
  { entry: 1, name: "update() beside regenerate(keep), durability 'fsync'", run: ground => updatesBesideRegenerate(ground, 'fsync') },
  { entry: 1, name: '8 parallel logins from one session', run: parallelLogins },
  { entry: 1, name: 'regenerate() and session.user = user after a logout', run: ground => regenerateAfterLogout(ground, []) },
  { entry: 1, name: 'regenerate(keep) and session.user = user after a logout', run: ground => regenerateAfterLogout(ground, ['user']) },
  { entry: 1, name: 'regenerate(keep) beside a logout', run: regenerateBesideLogout },
  { entry: 1, name: 'absoluteTimeout across regenerates', run: absoluteTimeout }
]
