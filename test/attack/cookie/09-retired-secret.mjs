import fastifyCookie from '@fastify/cookie'
import { openSite, visit } from '../support/site.mjs'

const { Signer } = fastifyCookie

async function retiredSecret (ground) {
  const sessionDir = ground.directory()
  for (const maxAge of [undefined, 86_400]) {
    const siteWith = secret => openSite(ground, { sessionDir, cookie: { signed: true, maxAge } },
      { extend: app => app.register(fastifyCookie, { secret }) })
    const { cookie } = await visit(await siteWith('old'), '/login', { body: { user: 'ann' } })
    const app = await siteWith(['new', 'old'])
    for (const [url, body] of [['/read'], ['/set', { seen: true }]]) {
      const answer = await visit(app, url, { cookie, body })
      const isRenewed = Boolean(answer.cookie) && new Signer(['new']).unsign(decodeURIComponent(answer.cookie.split('=')[1])).valid
      ground.judge(!isRenewed, `a cookie that was signed with a retired secret is not signed anew (maxAge ${maxAge})`)
    }
    const forged = await visit(app, '/read', { cookie: `${cookie.slice(0, -2)}xx` })
    ground.judge(forged.body.user !== undefined || forged.cookie !== undefined, 'a forged cookie is taken or cleared')
  }
}

export const attacks = [{ entry: 9, name: 'a cookie that was signed with a retired secret', run: retiredSecret }]
