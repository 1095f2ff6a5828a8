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
