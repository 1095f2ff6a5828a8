/**
 * What your sessions hold. Declare it once and `request.session` is typed everywhere:
 *
 * ```ts
 * declare module 'fastify-file-sessions' {
 *   interface SessionData {
 *     user: { id: number, name: string }
 *   }
 * }
 * ```
 */
export interface SessionData {}

/**
 * Which registrations the app has, by `sessionName`. Declare one that has another store than the files,
 * and each beside the first:
 *
 * ```ts
 * declare module 'fastify-file-sessions' {
 *   interface SessionRegistrations {
 *     session: { store: MyStore }
 *     adminSession: { data: { role: 'editor' | 'owner' } }
 *   }
 * }
 * ```
 *
 * `data` is what its sessions hold: {@link SessionData} where it is left out. `store` is the type of its
 * store: SessionFileStore where it is left out. The example types `app.sessionStore`, `request.adminSession`,
 * `request.adminSessionLoaded`, `app.adminSessionStore`, `app.loadAdminSession` and `app.reindexAdminSessions`.
 */
export interface SessionRegistrations {}
