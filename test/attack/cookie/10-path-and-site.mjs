import { openSite, visit } from '../support/site.mjs'

async function outsidePath (ground) {
  const app = await openSite(ground, { sessionDir: ground.directory(), cookie: { path: '/app' } }, {
    async routes (app) {
      for (const prefix of ['', '/app', '/application']) {
        app.post(`${prefix}/enter`, async request => {
          try {
            const { user } = request.session
            request.session.user = user ?? 'ann'
            return { user: user ?? null }
          } catch {
            return { user: null }
          }
        })
      }
    }
  })
  const { cookie } = await visit(app, '/app/enter', { body: {} })
  for (const url of ['/enter', '/application/enter', '/APP/enter', '/enter?/app/']) {
    for (const given of [cookie, undefined]) {
      const answer = await visit(app, url, { cookie: given, body: {} })
      ground.tried()
      ground.succeeded('a request outside of cookie.path has the session', answer.body.user === 'ann' ? 1 : 0)
      ground.succeeded('a request outside of cookie.path sends a cookie', answer.cookie === undefined ? 0 : 1)
    }
  }
  let sessions = 0
  for await (const session of app.sessionStore.sessions()) if (session) sessions++
  ground.succeeded('requests outside of cookie.path make sessions', sessions - 1)
  const inside = await visit(app, '/app/enter', { cookie, body: {} })
  ground.judge(inside.body.user !== 'ann', 'requests outside of cookie.path took the session from those inside')
}

async function sameSiteNone (ground) {
  const lines = []
  const app = await openSite(ground, { sessionDir: ground.directory(), cookie: { sameSite: 'none', secure: 'auto' } },
    { fastify: { logger: { level: 'warn', stream: { write: line => { lines.push(line) } } } } })
  const { setCookie } = await visit(app, '/set', { body: { n: 1 } })
  const isRefused = /samesite=none/i.test(setCookie) && !/;\s*secure/i.test(setCookie)
  ground.judge(isRefused && lines.length === 0, 'over http a cookie is sent that browsers refuse, without a warning')
}

export const attacks = [
  { entry: 10, name: 'requests outside of cookie.path', run: outsidePath },
  { entry: 10, name: "sameSite 'none' with secure 'auto' over http", run: sameSiteNone }
]
