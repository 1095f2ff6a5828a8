import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { SettledOptions } from './options'
import type { CookieChange, CookieValue, SessionManager, Visit } from '../session/session-manager'
import { Turn } from './turn'

type Done = HookHandlerDoneFunction
/** Where a request keeps its visit: null until the session is loaded. */
export type VisitKey = symbol
export type VisitingRequest = FastifyRequest & Record<VisitKey, Visit | null>

/** What the hooks need of the session cookie. */
export interface HookCookie {
  /** Returns the values that the request brings, in the order to try them; none: an empty array. */
  read (request: FastifyRequest): readonly CookieValue[]
  /** Whether the request's path lies within the cookie's: other requests have no session. */
  covers (request: FastifyRequest): boolean
  write (request: FastifyRequest, reply: FastifyReply, change: CookieChange): void
}

/**
 * Loads the session in the chosen hook, looks at it again when the body has arrived after that, and
 * stores it when the response is about to be sent.
 */
export function addSessionHooks (
  fastify: FastifyInstance, hook: SettledOptions['hook'], key: VisitKey, manager: SessionManager, cookie: HookCookie, turn = new Turn()
): void {
  function load (request: FastifyRequest, done: Done): void {
    turn.goOn()
    if (isExempt(request) || !cookie.covers(request)) return done()
    const visiting = request as VisitingRequest
    const values = cookie.read(request)
    if (values.length === 0) {
      visiting[key] = manager.begin(request.log)
      return done()
    }
    let visit: Visit | undefined
    try {
      visit = manager.loadNow(values, request.log)
    } catch (error) {
      return done(error as Error)
    }
    if (visit === undefined) return wait(manager.load(values, request.log), visit => { visiting[key] = visit }, done)
    visiting[key] = visit
    done()
  }

  function checkAgain (request: FastifyRequest, done: Done): void {
    const visit = (request as VisitingRequest)[key]
    if (visit === null || visit === undefined || !mayHaveWaited(request)) return done()
    let isChecked: boolean
    try {
      isChecked = visit.checkAgainNow()
    } catch (error) {
      return done(error as Error)
    }
    if (isChecked) done()
    else wait(visit.checkAgain(), () => {}, done)
  }

  function finish (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: Done): void {
    const visit = (request as VisitingRequest)[key]
    if (visit === null || visit === undefined || visit.needsNoFinish) return done()
    const stream = isStream(payload) ? payload : null
    // Until it is sent it has no other listener, and an error without a listener ends the process.
    stream?.on('error', () => {})
    const answer: Done = error => {
      // Fastify forgets the stream that the error takes the place of, and its descriptor stays open.
      if (error) stream?.destroy?.()
      if (reply.raw.headersSent) {
        request.log.warn({ err: error }, 'a reply was sent already: this one comes too late')
        return
      }
      // Fastify would keep the status that was set, such as a redirect's.
      if (error) reply.code(500)
      done(error)
    }
    const go: Done = error => {
      if (error || !visit.storedAtOnce) return answer(error)
      turn.atEnd(() => {
        // Outside of the hook Fastify does not catch what it throws itself.
        try { answer() } catch (error) { answer(error as Error) }
      })
    }
    try {
      const change = visit.finishNow()
      if (change === undefined) return wait(visit.finish(), change => { cookie.write(request, reply, change) }, go)
      cookie.write(request, reply, change)
    } catch (error) {
      return go(error as Error)
    }
    go()
  }

  if (hook === 'preParsing') fastify.addHook(hook, (request, _reply, _payload, done) => { load(request, done) })
  else fastify.addHook(hook, (request: FastifyRequest, _reply: FastifyReply, done: Done) => { load(request, done) })
  if (hook === 'onRequest' || hook === 'preParsing') {
    // Not in preHandler: plugins such as @fastify/passport read the session in preValidation.
    fastify.addHook('preValidation', (request, _reply, done) => { checkAgain(request, done) })
  }
  fastify.addHook('onSend', finish)
}

/** Whether the route has said `config: { session: false }`. */
export function isExempt (request: FastifyRequest): boolean {
  return request.routeOptions.config?.session === false
}

/** Whether Fastify waits for a body, which the client may take hours to send. HTTP/2 needs no header that announces one. */
function mayHaveWaited ({ headers, raw }: FastifyRequest): boolean {
  const length = headers['content-length']
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined ||
    (raw.httpVersionMajor > 1 && headers['content-type'] !== undefined)
}

/** What Fastify takes for a stream. */
function isStream (payload: unknown): payload is Pick<Readable, 'on'> & Partial<Pick<Readable, 'destroy'>> {
  return typeof (payload as Partial<Readable> | null | undefined)?.pipe === 'function'
}

/** Goes on with a value that has to be waited for. What is thrown on the way is the request's error. */
function wait<T> (promise: Promise<T>, use: (value: T) => void, done: Done): void {
  // Fastify catches what it throws itself, such as over a header that cannot be sent, only while it
  // calls a hook.
  promise.then(use).then(() => { done() }).catch(done)
}
