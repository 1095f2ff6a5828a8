import type { FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify'
import type { RegisteredName } from '../../types/registrations'
import { SessionError } from '../errors'
import { checkMaxAge } from '../session/freshness'
import type { Session } from '../session/session'

/** What the answer to a request says whose visitor has to prove who he is, as RFC 9457 describes problems. */
export interface NotFreshProblem {
  readonly type: 'urn:fastify-file-sessions:not-fresh'
  readonly title: string
  readonly status: 401
  readonly detail: string
  /** Seconds that the proof may be old. */
  readonly maxAge: number
  /** When the visitor last proved who he is, as an ISO 8601 date in UTC; null: never in this session. */
  readonly freshAt: string | null
}

export interface RequireFreshOptions {
  /** Names a second registration. @default 'session' */
  sessionName?: RegisteredName | undefined
  /**
   * Answers in another way, such as with a page that asks for the password. It must send a reply or
   * throw; its result is sent as that of a handler.
   */
  answer?: ((request: FastifyRequest, reply: FastifyReply, problem: NotFreshProblem) => unknown) | undefined
}

/**
 * Makes a preHandler that lets a request pass if its visitor proved who he is (`session.authenticated()`)
 * no longer than `maxAge` seconds ago. Others get a 401 with a problem as `application/problem+json`,
 * which a page can turn into a password prompt.
 *
 * ```ts
 * app.post('/password', { preHandler: requireFresh(600) }, changePassword)
 * ```
 *
 * @throws {SessionError} SESSION_ARGUMENT, for a `maxAge` that is not a number of seconds above 0
 */
export function requireFresh (maxAge: number, { sessionName = 'session', answer }: RequireFreshOptions = {}): preHandlerAsyncHookHandler {
  checkMaxAge(maxAge, 'requireFresh')
  return async function (request, reply) {
    const session = (request as unknown as Record<string, Session | undefined>)[sessionName]
    if (typeof session?.isFresh !== 'function') throw noSession(sessionName)
    if (session.isFresh(maxAge)) return
    const problem = problemOf(session, maxAge)
    if (answer !== undefined) {
      const payload: unknown = await answer(request, reply, problem)
      return reply.sent || payload === undefined ? reply : reply.send(payload)
    }
    // RFC 9110 asks for a challenge in every 401. Browsers leave one alone whose scheme they do not know.
    return reply.code(401)
      .header('www-authenticate', `Session error="insufficient_user_authentication", max_age="${maxAge}"`)
      .header('cache-control', 'no-store')
      .type('application/problem+json; charset=utf-8')
      .send(JSON.stringify(problem))
  }
}

/** A session that is not loaded throws an error of its own. */
function noSession (sessionName: string): SessionError {
  return new SessionError('SESSION_NOT_LOADED', `requireFresh: request.${sessionName} is not a session of fastify-file-sessions: ` +
    'register the plugin in this app or around it, under that sessionName')
}

function problemOf ({ freshAt }: Session, maxAge: number): NotFreshProblem {
  return {
    type: 'urn:fastify-file-sessions:not-fresh',
    title: 'Proof of identity needed',
    status: 401,
    detail: 'This needs a recent login: prove again who you are, and repeat the request.',
    maxAge,
    freshAt: freshAt === undefined ? null : new Date(freshAt).toISOString()
  }
}
