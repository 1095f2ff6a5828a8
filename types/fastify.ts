import type { RequestSession } from '../lib/session/session'
import type { SessionStore } from '../lib/store/session-store'

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * The visitor's session. Throws a SessionError when it is read before it is loaded (see the option
     * `hook`), on a route with `config: { session: false }`, or outside the cookie's path.
     */
    readonly session: RequestSession
    /** Whether `request.session` is loaded, so that it can be read. Never throws. */
    readonly sessionLoaded: boolean
  }

  interface FastifyInstance {
    /** The store of the sessions. */
    readonly sessionStore: SessionStore
  }

  interface FastifyContextConfig {
    /** `false`: the plugin neither loads nor saves the session on this route. */
    session?: boolean
  }
}
