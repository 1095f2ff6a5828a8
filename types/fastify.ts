import type { RequestSession } from '../lib/session/session'
import type { OtherInstanceDecorators, OtherRequestDecorators, RegisteredData, RegisteredStore, SessionLoader } from './registrations'

declare module 'fastify' {
  interface FastifyRequest extends OtherRequestDecorators {
    /**
     * The visitor's session. Throws a SessionError when it is read before it is loaded (see the option
     * `hook`), on a route with `config: { session: false }`, outside the cookie's path, or while the
     * store has trouble.
     */
    readonly session: RequestSession<RegisteredData<'session'>>
    /** Whether `request.session` is loaded, so that it can be read. Never throws. */
    readonly sessionLoaded: boolean
  }

  interface FastifyInstance extends OtherInstanceDecorators {
    /** The store of the sessions. Another one than the files is typed by SessionRegistrations. */
    readonly sessionStore: RegisteredStore<'session'>
    /**
     * Returns the session that a Cookie header names, for code that has no request, such as a raw
     * upgrade or a background job; null when it names no live session, or its signature is wrong.
     * Call `save()` to store what you change. `regenerate()` throws, because no response takes the new
     * id to the visitor. Reading is not use: `touch()` and `save()` start the idle time anew.
     */
    readonly loadSession: SessionLoader<'session'>
  }

  interface FastifyContextConfig {
    /** `false`: the plugin neither loads nor saves the session on this route. */
    session?: boolean
  }
}
