import { barrier, gate, openSite, visit } from '../support/site.mjs'

const JUNK = ['sid=junk', `sid=${'A'.repeat(32)}`, 'sid=']

/** A cookie of the same name, on a longer path or set by a sister subdomain, comes first. */
async function twins (ground) {
  const app = await openSite(ground, { sessionDir: ground.directory() })
  const { cookie } = await visit(app, '/login', { body: { user: 'ann' } })
  for (const count of [1, 2, 3]) {
    for (let place = 0; place <= count; place++) {
      const cookies = JUNK.slice(0, count)
      cookies.splice(place, 0, cookie)
      for (const [url, body] of [['/read'], ['/set', { seen: true }]]) {
        const answer = await visit(app, url, { cookie: cookies.join('; '), body })
        ground.judge(url === '/read' && answer.body.user !== 'ann', 'a second cookie of the name logs the visitor out')
        ground.succeeded('a second cookie of the name has the good one overwritten', answer.cookie === undefined ? 0 : 1)
      }
    }
  }
}

async function unknownValue (ground) {
  const app = await openSite(ground, { sessionDir: ground.directory() }, {
    routes (app) { app.get('/look', async () => ({})) }
  })
  for (const cookie of [...JUNK, 'sid=%00', 'sid="x"', `sid=${'x'.repeat(3000)}`]) {
    for (const url of ['/look', '/read']) {
      const answer = await visit(app, url, { cookie })
      ground.judge(answer.cookie !== undefined, 'a cookie that names no session is cleared')
    }
    const answer = await visit(app, '/set', { cookie, body: { n: 1 } })
    ground.judge(answer.cookie === undefined || answer.cookie === '' || answer.cookie === cookie, 'the value of a cookie that names no session is adopted')
  }
}

/** A request that was under way during a login answers after it. */
async function slowAnswer (ground) {
  for (const ending of ['/login', '/logout']) {
    for (const work of ['read', 'write', 'save', 'update', 'touch', 'reload']) {
      const loaded = gate()
      const app = await openSite(ground, { sessionDir: ground.directory() }, {
        routes (app) {
          app.get('/slow', async ({ session }) => {
            session.get('user')
            loaded.reached.resolve()
            await loaded.opened.promise
            if (work === 'touch') session.touch()
            if (work === 'reload') await session.reload()
            if (work === 'update') await session.update(draft => { draft.seen = true })
            if (work === 'write' || work === 'save') session.seen = true
            if (work === 'save') await session.save()
            return {}
          })
        }
      })
      const { cookie } = await visit(app, '/set', { body: { cart: ['tea'] } })
      const slow = visit(app, '/slow', { cookie })
      await loaded.reached.promise
      await visit(app, ending, { cookie, body: { user: 'ann', keep: ['cart'] } })
      loaded.opened.resolve()
      const answer = await slow
      ground.judge(answer.cookie === '', `the answer of a request that was slower than ${ending} clears the cookie (${work})`)
      ground.succeeded(`the answer of a request that was slower than ${ending} sets a cookie (${work})`, answer.cookie ? 1 : 0)
    }
  }
}

async function twoLogouts (ground) {
  const state = {}
  const sessionDir = ground.directory()
  const routes = app => {
    app.get('/leave', async ({ session }) => {
      session.get('user')
      await state.meet()
      await session.destroy()
      return {}
    })
  }
  const sites = [await openSite(ground, { sessionDir }, { routes }), await openSite(ground, { sessionDir }, { routes })]
  for (let round = 0; round < 40; round++) {
    const { cookie } = await visit(sites[0], '/login', { body: { user: 'ann' } })
    state.meet = barrier(4)
    const answers = await Promise.all([0, 1, 0, 1].map(index => visit(sites[index], '/leave', { cookie })))
    const clearing = answers.filter(({ cookie }) => cookie === '').length
    ground.judge(clearing !== 1, 'of several logouts at once not exactly one clears the cookie')
  }
}

export const attacks = [
  { entry: 8, name: 'several cookies of the name', run: twins },
  { entry: 8, name: 'a cookie that names no session', run: unknownValue },
  { entry: 8, name: 'a request that is slower than a login or logout', run: slowAnswer },
  { entry: 8, name: 'several logouts at once', run: twoLogouts }
]
