/**
 * What @fastify/flash imports of @fastify/secure-session, for the type checks. Its own types cannot
 * be loaded beside ours: both say what `request.session` is.
 */
export interface SessionData {}
