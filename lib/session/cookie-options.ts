import type { CookieSerializeOptions } from '@fastify/cookie'

/** What @fastify/cookie takes, `maxAge` in seconds. */
export type SessionCookieOptions = Omit<CookieSerializeOptions, 'encode'>
