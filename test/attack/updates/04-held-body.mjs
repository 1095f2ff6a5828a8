import { connect } from 'node:net'
import { gate, openSite, visit } from '../support/site.mjs'

/** A request whose body comes after the logout, with the session loaded before it. */
async function heldBody (ground) {
  for (const hook of ['onRequest', 'preParsing']) {
    for (const ending of ['/logout', '/login']) {
      const loaded = gate()
      const app = await openSite(ground, { sessionDir: ground.directory(), hook }, {
        routes (app) {
          // After the session's own hook.
          app.addHook('preParsing', async request => { if (request.url === '/act') loaded.reached.resolve() })
          app.post('/act', async ({ session }) => ({ user: session.user ?? null }))
        }
      })
      await app.listen({ port: 0, host: '127.0.0.1' })
      const { cookie } = await visit(app, '/login', { body: { user: 'victim' } })
      const request = sendHead(app.server.address().port, cookie)
      ground.later(() => { request.socket.destroy() })
      await loaded.reached.promise
      await visit(app, ending, { cookie, body: { user: 'other' } })
      request.socket.write('{}')
      const answer = await request.answer
      ground.judge(answer.includes('victim'), `with hook: '${hook}' a request is served as the victim after ${ending}`)
      ground.succeeded('its answer changes the cookie', /^set-cookie:/im.test(answer) ? 1 : 0)
    }
  }
}

function sendHead (port, cookie) {
  const socket = connect(port, '127.0.0.1')
  socket.write(`POST /act HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncookie: ${cookie}\r\n` +
    'content-type: application/json\r\ncontent-length: 2\r\n\r\n')
  const answer = new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', bytes => { text += bytes })
    socket.on('end', () => { resolve(text) })
    socket.on('error', reject)
  })
  return { socket, answer }
}

export const attacks = [{ entry: 4, name: 'a body that arrives after the logout', run: heldBody }]
