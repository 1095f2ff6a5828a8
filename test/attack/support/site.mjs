import Fastify from 'fastify'
import fileSessions from 'fastify-file-sessions'
import { addRoutes } from './routes.mjs'

/**
 * A site with sessions in `options.sessionDir`, to be asked by `visit`. `extend(app)` adds plugins before the sessions;
 * `routes(app)` adds routes beside those of routes.mjs.
 */
export async function openSite (ground, options, { routes = () => {}, extend = () => {}, fastify = {} } = {}) {
  const app = Fastify({ ...fastify })
  await extend(app)
  await app.register(fileSessions, options)
  addRoutes(app)
  await routes(app)
  ground.later(() => app.close())
  await app.ready()
  return app
}

/** Sends a request without a socket; `body` makes it a POST. */
export async function visit (app, url, { cookie, body, headers = {} } = {}) {
  const answer = await app.inject({
    method: body === undefined ? 'GET' : 'POST',
    url,
    headers: { ...headers, ...(cookie === undefined ? {} : { cookie }) },
    ...(body === undefined ? {} : { payload: body })
  })
  return answerOf(answer.statusCode, [answer.headers['set-cookie'] ?? []].flat(), answer.body)
}

/** The same by HTTP. */
export async function fetchFrom (port, url, { cookie, body, signal } = {}) {
  const answer = await fetch(`http://127.0.0.1:${port}${url}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(cookie === undefined ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' })
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal
  })
  return answerOf(answer.status, answer.headers.getSetCookie(), await answer.text())
}

/**
 * `cookie` is what a browser would send back: `name=value`, `''` when it was told to forget the cookie, undefined when
 * it was told nothing.
 */
function answerOf (status, setCookies, text) {
  const [setCookie] = setCookies
  const [pair] = setCookie?.split(';') ?? []
  let body
  try {
    body = JSON.parse(text)
  } catch {
    body = text
  }
  return { status, body, setCookie, cookie: pair?.endsWith('=') ? '' : pair }
}

/** Lets a number of callers through once all of them are there. */
export function barrier (count) {
  const { promise, resolve } = withResolvers()
  return async () => {
    if (--count <= 0) resolve()
    await promise
  }
}

/** Two promises: that something is reached, and that it may go on. */
export function gate () {
  return { reached: withResolvers(), opened: withResolvers() }
}

function withResolvers () {
  const settled = {}
  settled.promise = new Promise(resolve => { settled.resolve = resolve })
  return settled
}
