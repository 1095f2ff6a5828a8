import type { RequestSession } from '../lib/session/session'
import type { OtherInstanceDecorators, OtherRequestDecorators, RegisteredData, RegisteredStore, SessionLoader, SessionReindexer } from './registrations'

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
    /**
     * Enters all sessions that the store holds in the option `indexes`, once: those that are older than an
     * index, and those that a list has lost. Encrypted ones enter at their next save. Stays out of the way of
     * requests; when `signal` is aborted it ends early. To be entered is not use of a session.
     */
    readonly reindexSessions: SessionReindexer
  }

  interface FastifyContextConfig {
    /** `false`: the plugin neither loads nor saves the session on this route. */
    session?: boolean
  }
}
