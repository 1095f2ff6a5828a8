import type { RequestSession } from '../lib/session/session'
import type { SessionStore } from '../lib/store/session-store'

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * The visitor's session. Throws a SessionError when it is read before it is loaded (see the
     * option `hook`), or on a route with `config: { session: false }`.
     */
    readonly session: RequestSession
    /** Whether `request.session` can be read: it is loaded. Never throws. */
    readonly sessionLoaded: boolean
  }

  interface FastifyInstance {
    /** The store that the sessions are kept in. */
    readonly sessionStore: SessionStore
  }

  interface FastifyContextConfig {
    /** `false`: the session is neither loaded nor saved on this route. */
    session?: boolean
  }
}
