import type { FastifyRequest } from 'fastify'
import type { AnyRegisteredData } from '../../types/registrations'
import type { SessionCodec } from '../session/codec'
import type { SessionCookieOptions } from '../session/cookie-options'
import type { IndexOptions } from '../session/index-options'
import type { SessionFileStoreOptions } from '../store/files/options'
import type { SessionStore } from '../store/session-store'

/** What `fastify.register(fileSessions, options)` takes. */
export interface FileSessionsOptions extends SessionFileStoreOptions, IndexOptions<AnyRegisteredData> {
  /**
   * When the session is loaded. Choose an earlier hook for plugins that need the session before
   * preHandler, such as `@fastify/passport`. @default 'preHandler'
   */
  hook?: 'onRequest' | 'preParsing' | 'preValidation' | 'preHandler' | undefined
  /**
   * The session cookie. `secure: 'auto'` is on for https, also behind a proxy if Fastify's
   * `trustProxy` is set. `signed` needs `@fastify/cookie` to be registered with a secret. Without
   * `maxAge` the browser forgets the cookie when it is closed. Requests outside `path` have no session.
   * @default { path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto' }
   */
  cookie?: SessionCookieOptions | undefined
  /** Whether a cookie with `maxAge` is sent again when the session is touched. @default true */
  rolling?: boolean | undefined
  /**
   * Seconds between two rounds of removing expired sessions; 0 for none. A store that does not declare
   * `reapable`, such as a database that removes them by itself, has no rounds. From 0 to 2147483. @default 900
   */
  reapInterval?: number | undefined
  /** Turns the data of a session into the text that is stored, and back. @default JSON */
  codec?: SessionCodec | undefined
  /**
   * Names the decorators: `request.session` and `fastify.sessionStore` by default, otherwise
   * `request.NAME` and `fastify.NAMEStore`. @default 'session'
   */
  sessionName?: string | undefined
  /**
   * The age, in seconds, at which a session gets a new id by itself, at the end of a request whose
   * response can take the cookie. Data, times and proof of identity stay. At least twice `renewGrace`. @default none
   */
  renewAfter?: number | undefined
  /**
   * For so long, in seconds, an id that was renewed is answered with the new one: for requests that were
   * on their way. After that the old id names no session. A response that does not arrive within this time
   * logs the visitor out. From 1 to 600. @default 10
   */
  renewGrace?: number | undefined
  /**
   * What responses say to caches. `'private'`: a response that sets the cookie is kept out of shared
   * caches. `'no-store'`: every response to a request that has a session is kept out of all caches, the
   * browser's included. A Cache-Control header that the app sets itself stays, but for what would put
   * the cookie into a shared cache. @default 'private'
   */
  cacheControl?: 'private' | 'no-store' | undefined
  /**
   * What the browser is told to delete at a logout: the response to a request that ended its session
   * by `destroy()` or `delete()` has the header Clear-Site-Data with these words. `'cookies'` deletes all
   * cookies of the site and its subdomains, a new session's in the same response included. Browsers heed
   * it over https only. @default none
   */
  clearSiteData?: ReadonlyArray<'cache' | 'cookies' | 'storage'> | undefined
  /**
   * Defaults that a standard recommends; each option beside it still counts. `'asvs-l2'`: OWASP ASVS 5.0,
   * level 2, and NIST SP 800-63B-4, AAL2: appid `__Host-sid`, `idleTimeout` an hour, `absoluteTimeout` a
   * day, `cookie.secure`, `cacheControl: 'no-store'`, `clearSiteData: ['cache', 'storage']`. A `store` has
   * appid and times of its own. @default none
   */
  preset?: PresetName | undefined
  /**
   * What becomes of a request whose session cannot be read, because the store has trouble (a
   * SessionStoreError or a SessionFileError). `'fail'`: the request fails with that error. `'serve'`:
   * it is served without a session: `request.sessionLoaded` is false, and nothing is stored. @default 'fail'
   */
  onUnavailable?: 'fail' | 'serve' | undefined
  /**
   * Returns what a list of a visitor's sessions shows of the one that this request logs in, such as
   * `request => ({ browser: request.headers['user-agent'] })`: at most 1 KiB of JSON; if it is more,
   * words are cut. Called when a session enters an index or gets a new id. @default nothing
   */
  about?: ((request: FastifyRequest) => Readonly<Record<string, unknown>>) | undefined
  /**
   * Another store than the files. The file store's options may not be given with it, but for
   * `encryption`, if the store has no such option itself.
   */
  store?: SessionStore | undefined
}

/** A set of defaults, by the standard that recommends them. */
export type PresetName = 'asvs-l2'
