import type { FastifyReply } from 'fastify'

/** What a handler has answered with, as far as a stream or a web `Response` asks for more than to be sent. */
interface Payload {
  pipe?: unknown
  on?: (event: 'error', listener: () => void) => unknown
  destroy?: () => unknown
  getReader?: unknown
  locked?: boolean
  cancel?: () => Promise<unknown>
  body?: Payload | null
}

const noop = (): void => {}

/** Listens to the errors of a stream that is not sent yet: an error without a listener ends the process. */
export function hearErrors (payload: unknown): void {
  const { pipe, on } = partsOf(payload)
  if (typeof pipe === 'function') on?.call(payload, 'error', noop)
}

/** Gives back what a payload holds open that an error takes the place of: Fastify forgets it, and its descriptor would stay open. */
export function discard (payload: unknown): void {
  const { pipe, destroy, body } = partsOf(payload)
  if (typeof pipe === 'function') destroy?.call(payload)
  for (const stream of [payload, body]) {
    const { getReader, locked, cancel } = partsOf(stream)
    if (typeof getReader === 'function' && locked !== true) cancel?.call(stream).catch(noop)
  }
}

/**
 * Puts what a web `Response` says of caches on the reply, and returns the payload without it: Fastify would put it there after all
 * hooks, in place of what keeps the cookie out of shared caches. Any other payload is returned as it is.
 */
export function takeCacheControl (payload: unknown, reply: FastifyReply): unknown {
  if (!isResponse(payload) || payload.bodyUsed) return payload
  const value = payload.headers.get('cache-control')
  if (value === null) return payload
  reply.header('cache-control', value)
  const { body, status, statusText } = payload
  const headers = new Headers(payload.headers)
  headers.delete('cache-control')
  return new Response(body, { status, statusText, headers })
}

/** What Fastify takes for one. */
function isResponse (payload: unknown): payload is Response {
  return Object.prototype.toString.call(payload) === '[object Response]'
}

function partsOf (payload: unknown): Payload {
  return payload ?? {}
}
