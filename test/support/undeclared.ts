import type { FastifyRequest } from 'fastify'
import type { Session } from '../../lib/session/session'

/** The request's session for a test that uses names which no SessionData declares. */
export function undeclared ({ session }: FastifyRequest): Session {
  return session as Session
}
