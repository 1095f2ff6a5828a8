import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Visit } from '../session/session-manager'

/** Taken now: tests of apps put clocks of their own in its place. */
const { nextTick } = process
/** Has a callback run as a microtask, for a fraction of what `queueMicrotask` costs. */
const settled = Promise.resolve()

/**
 * Finds sessions that were changed and are not stored when their response has ended, because it went
 * another way than Fastify's, or because the change came too late. The log says so once for each route.
 */
export class LateChanges {
  readonly #property: string
  readonly #told = new Set<string>()

  /** `property` is the name of the session in the app, such as `request.session`. */
  constructor (property: string) {
    this.#property = property
  }

  /** Looks at the session again when the response has ended. */
  watch (request: FastifyRequest, reply: FastifyReply, visit: Visit): void {
    const look = (): void => {
      if (visit.mayHaveLateChanges()) this.#look(request, visit)
    }
    const lookSoon = (): void => {
      // A visitor who left early: the handler may still be at work, and its reply stores the session.
      if (!reply.raw.headersSent && !reply.sent) return
      // Listeners and hooks of the app have their turn first, with all promises that are settled by now: they
      // may change the session, or store it. An immediate would cost a turn of the event loop.
      settled.then(() => { nextTick(look) })
    }
    // A session that is used for the first time after the end: its event has been.
    if (hasClosed(reply.raw)) lookSoon()
    else reply.raw.on('close', lookSoon)
  }

  async #look (request: FastifyRequest, visit: Visit): Promise<void> {
    const { method, routeOptions: { url = 'no route' } } = request
    const route = `${method} ${url}`
    if (this.#told.has(route) || !await visit.hasUnsavedAfterSteps() || this.#told.has(route)) return
    this.#told.add(route)
    request.log.warn({ route }, `${this.#property} was changed and the change is not stored: the response was sent before it, ` +
      `or went another way than reply.send. Call await ${this.#property}.save() after the change, and before the first byte ` +
      'if the session is new. This is said once for each route')
  }
}

/** Whether the response has emitted `close`. That of HTTP/2 does not say so itself; its stream does. */
function hasClosed (raw: FastifyReply['raw'] & { stream?: { closed: boolean } }): boolean {
  return raw.closed === true || raw.stream?.closed === true
}
