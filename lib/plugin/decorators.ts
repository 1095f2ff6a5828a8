import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { SessionError } from '../errors'
import { isExempt, type VisitingRequest, type VisitKey } from './hooks'
import type { SettledOptions } from './options'
import type { Session } from '../session/session'
import type { Visit } from '../session/session-manager'
import type { SessionStore } from '../store/session-store'

/** Which appids this app has, to tell when two registrations want the same cookie. */
const appids = Symbol('fastify-file-sessions.appids')

/**
 * Gives the app `request.session`, `request.sessionLoaded` and `fastify.sessionStore`, or the same
 * under another name. Returns where requests keep what these show.
 *
 * @throws {SessionError} when another registration has the name or the cookie
 */
export function decorate (fastify: FastifyInstance, { sessionName, hook }: SettledOptions, store: SessionStore): VisitKey {
  const key = Symbol(`fastify-file-sessions.${sessionName}`)
  claim(fastify, sessionName, store.sesAppid())
  fastify.decorate(`${sessionName}Store`, store)
  fastify.decorateRequest(key, null)
  fastify.decorateRequest(`${sessionName}Loaded`, {
    getter (this: FastifyRequest): boolean {
      return visitOf(this, key) !== null
    }
  })
  fastify.decorateRequest(sessionName, {
    getter (this: FastifyRequest): Session {
      const visit = visitOf(this, key)
      if (visit === null) throw notLoaded(this, sessionName, hook)
      return visit.session
    }
  })
  return key
}

/** Registers @fastify/cookie if the app has not done so. */
export async function ensureCookies (fastify: FastifyInstance): Promise<void> {
  if (fastify.hasDecorator('parseCookie')) return
  await fastify.register(cookiePlugin)
  // Should the app register it after all, its complaint would be about a decorator that nobody
  // there has heard of.
  const decorateInstance = fastify.decorate as (...parameters: unknown[]) => FastifyInstance
  fastify.decorate = function (this: FastifyInstance, name: string | symbol, ...rest: unknown[]) {
    if (name === 'parseCookie' || name === 'serializeCookie') {
      throw new SessionError('SESSION_COOKIE_PLUGIN', '@fastify/cookie is registered after fastify-file-sessions, ' +
        'which needs it and has already registered it: register @fastify/cookie first')
    }
    return decorateInstance.call(this, name, ...rest)
  } as typeof fastify.decorate
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
  // Each instance has a set of its own: siblings know nothing of each other.
  if (Object.hasOwn(host, appids)) host[appids]?.add(appid)
  else fastify.decorate(appids, new Set(host[appids]).add(appid))
}

function visitOf (request: FastifyRequest, key: VisitKey): Visit | null {
  return (request as VisitingRequest)[key] ?? null
}

function notLoaded (request: FastifyRequest, sessionName: string, hook: string): SessionError {
  if (isExempt(request)) {
    return new SessionError('SESSION_NOT_LOADED',
      `request.${sessionName} is switched off on this route by config: { session: false }`)
  }
  return new SessionError('SESSION_NOT_LOADED', `request.${sessionName} is not loaded yet: it is loaded in ${hook}. ` +
    'Choose an earlier one with the option hook of fastify-file-sessions, or look at ' +
    `request.${sessionName}Loaded first`)
}
