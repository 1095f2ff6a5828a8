import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { SessionError } from '../errors'
import { isExempt, visitOf, type VisitingRequest, type VisitKey } from './hooks'
import type { SettledOptions } from './options'
import type { OutsideSessions } from './outside-sessions'
import type { SessionCookie } from './session-cookie'
import type { ReindexCounts } from '../session/reindexing'
import type { Session } from '../session/session'
import type { SessionStore } from '../store/session-store'

/** The appids of this app's registrations: two of them must not use one cookie. */
const appids = Symbol('fastify-file-sessions.appids')

/** What a registration decorates the app and its requests with. */
interface Registration {
  store: SessionStore
  cookie: SessionCookie
  outside: OutsideSessions
  reindex: (signal?: AbortSignal) => Promise<ReindexCounts>
}

/**
 * Decorates the app with `request.session`, `request.sessionLoaded`, `fastify.sessionStore` and
 * `fastify.loadSession` and `fastify.reindexSessions`, or the same under another name. Returns the key under which a request keeps its visit.
 *
 * @throws {SessionError} when another registration has the name or the cookie
 */
export function decorate (fastify: FastifyInstance, { sessionName, hook }: SettledOptions, { store, cookie, outside, reindex }: Registration): VisitKey {
  const key = Symbol(`fastify-file-sessions.${sessionName}`)
  claim(fastify, sessionName, store.sesAppid())
  fastify.decorate(`${sessionName}Store`, store)
  fastify.decorate(loaderName(sessionName), (header?: string) => outside.load(header))
  fastify.decorate(reindexerName(sessionName), reindex)
  fastify.decorate(outsideKey(sessionName), outside)
  fastify.decorateRequest(key, null)
  fastify.decorateRequest(`${sessionName}Loaded`, {
    getter (this: FastifyRequest): boolean {
      return visitOf(this, key) !== null
    }
  })
  // Fastify's types know no setter, but Fastify itself does.
  fastify.decorateRequest(sessionName, {
    getter (this: FastifyRequest): Session {
      const visit = visitOf(this, key)
      if (visit === null) throw notLoaded(this, key, sessionName, hook, cookie)
      return visit.session
    },
    setter () {
      throw replaced(sessionName)
    }
  })
  return key
}

/** Returns the sessions that this app, or the one around it, has registered under the name; `undefined`: none. */
export function outsideOf (fastify: FastifyInstance, sessionName: string): OutsideSessions | undefined {
  return (fastify as unknown as Record<symbol, OutsideSessions | undefined>)[outsideKey(sessionName)]
}

/** Returns `loadSession` for the name `session`. */
function loaderName (sessionName: string): string {
  return `load${capitalized(sessionName)}`
}

/** Returns `reindexSessions` for the name `session`. */
function reindexerName (sessionName: string): string {
  return `reindex${capitalized(sessionName)}s`
}

function capitalized (name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`
}

/** The same symbol for all copies of this package in a process. */
function outsideKey (sessionName: string): symbol {
  return Symbol.for(`fastify-file-sessions.outside.${sessionName}`)
}

/**
 * Registers `@fastify/cookie` if the app has not done so. An app that registers it later gets Fastify's
 * error about a decorator that is there already, which does not name this plugin: the log does.
 */
export async function ensureCookies (fastify: FastifyInstance): Promise<void> {
  if (fastify.hasDecorator('parseCookie')) return
  fastify.log.info('fastify-file-sessions registers @fastify/cookie, because the app has not. ' +
    'An app that registers it itself must do so before: otherwise Fastify says that a decorator has already been added')
  await fastify.register(cookiePlugin)
}

function claim (fastify: FastifyInstance, sessionName: string, appid: string): void {
  const host = fastify as FastifyInstance & { [appids]?: Set<string> }
  if (fastify.hasDecorator(`${sessionName}Store`) || fastify.hasRequestDecorator(sessionName)) {
    throw new SessionError('SESSION_OPTION', `fastify-file-sessions: option sessionName: this app already has request.${sessionName}; ` +
      'a second registration needs a sessionName of its own')
  }
  if (host[appids]?.has(appid) === true) {
    throw new SessionError('SESSION_OPTION', `fastify-file-sessions: option appid: this app already has the session cookie ${appid}; ` +
      'a second registration needs an appid of its own')
  }
  // Each instance has a set of its own: siblings may use the same cookie.
  if (Object.hasOwn(host, appids)) host[appids]?.add(appid)
  else fastify.decorate(appids, new Set(host[appids]).add(appid))
}

function notLoaded (request: FastifyRequest, key: VisitKey, sessionName: string, hook: string, cookie: SessionCookie): SessionError {
  const property = `request.${sessionName}`
  const failure = (request as VisitingRequest)[key]
  if (failure instanceof SessionError) return failure
  if (isExempt(request)) return notLoadedError(`${property} is switched off on this route by config: { session: false }`)
  if (!cookie.covers(request)) {
    return notLoadedError(`${property} is not there, because the request's path is outside cookie.path (${cookie.path}): ` +
      'browsers send the session cookie to paths below that only. Choose another cookie.path, or look at ' +
      `${property}Loaded first. A proxy in front of the app must not change the path`)
  }
  const cure = hook === 'onRequest'
    ? 'Register fastify-file-sessions first: hooks run in the order in which they are added'
    : 'Choose an earlier one with the option hook of fastify-file-sessions'
  return notLoadedError(`${property} is not loaded yet: it is loaded in ${hook}. ${cure}, or look at ${property}Loaded first`)
}

function replaced (sessionName: string): SessionError {
  const property = `request.${sessionName}`
  return new SessionError('SESSION_ARGUMENT', `${property} cannot be replaced: to end the session call await ${property}.destroy(); ` +
    `to change it set its properties, such as ${property}.user = …`)
}

function notLoadedError (message: string): SessionError {
  return new SessionError('SESSION_NOT_LOADED', message)
}
