import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { Availability } from './availability'
import { SessionError, type SessionUnavailableError } from '../errors'
import type { LateChanges } from './late-changes'
import type { SettledOptions } from './options'
import { discard, hearErrors, takeCacheControl } from './payload'
import { ReplyOutlet, type CookieWriter } from './reply-outlet'
import { Visit, type CookieChange, type CookieValue, type SessionManager } from '../session/session-manager'
import { Turn } from './turn'

type Done = HookHandlerDoneFunction
type SendDone = (error?: Error | null, payload?: unknown) => void
/** Where a request keeps its visit: null until the session is loaded; an error when it could not be loaded. */
export type VisitKey = symbol
export type VisitingRequest = FastifyRequest & Record<VisitKey, Visit | SessionUnavailableError | null>

/** What the hooks need of the session cookie. */
export interface HookCookie extends CookieWriter {
  /** Returns the values that the request brings, in the order to try them; none: an empty array. */
  read (request: FastifyRequest): readonly CookieValue[]
  /** Whether the request's path lies within the cookie's: other requests have no session. */
  covers (request: FastifyRequest): boolean
  /** Keeps the response to a request with a session out of caches. */
  keepOut (reply: FastifyReply): void
}

/** What the hooks work with. */
export interface HookParts {
  hook: SettledOptions['hook']
  key: VisitKey
  about?: SettledOptions['about']
  manager: SessionManager
  cookie: HookCookie
  availability: Availability
  lateChanges: LateChanges
  turn?: Turn
}

/**
 * Loads the session in the chosen hook, looks at it again when the body has arrived after that, and
 * stores it when the response is about to be sent.
 */
export function addSessionHooks (
  fastify: FastifyInstance, { hook, key, about, manager, cookie, availability, lateChanges, turn = new Turn() }: HookParts
): void {
  function load (request: FastifyRequest, reply: FastifyReply, done: Done): void {
    turn.goOn()
    const visiting = request as VisitingRequest
    // With reply.callNotFound() the hooks run again for the same request.
    if (visiting[key] !== null || isExempt(request) || !cookie.covers(request)) return done()
    const values = cookie.read(request)
    const outlet = new ReplyOutlet(request, reply, cookie, lateChanges)
    const begin = (visit: Visit): void => {
      outlet.visit = visit
      if (about !== undefined) visit.about = () => about(request)
      visiting[key] = visit
    }
    if (values.length === 0) {
      begin(manager.begin(request.log, outlet))
      return done()
    }
    const loaded = (visit: Visit): void => {
      availability.worked(request.log)
      begin(visit)
    }
    let visit: Visit | undefined
    try {
      visit = manager.loadNow(values, request.log, outlet)
    } catch (error) {
      return goOn(request, error as Error, done)
    }
    if (visit === undefined) return wait(manager.load(values, request.log, outlet), loaded, error => { goOn(request, error, done) })
    loaded(visit)
    done()
  }

  function checkAgain (request: FastifyRequest, done: Done): void {
    const visit = visitOf(request, key)
    if (visit === null || !mayHaveWaited(request)) return done()
    // What a hook has changed already cannot be stored: such a request must not seem to have worked.
    const failed = (error: Error | undefined): void => { goOn(request, error, done, visit.hasUnsaved()) }
    let isChecked: boolean
    try {
      isChecked = visit.checkAgainNow()
    } catch (error) {
      return failed(error as Error)
    }
    if (isChecked) done()
    else wait(visit.checkAgain(), () => {}, failed)
  }

  /** Goes on without an error; with one, the request fails, or is served without a session. */
  function goOn (request: FastifyRequest, error: Error | undefined, done: Done, mustFail = false): void {
    if (error === undefined) return done();
    (request as VisitingRequest)[key] = availability.unavailable(error)
    if (mustFail || !availability.serves(error)) return done(error)
    availability.failed(error, request.log)
    done()
  }

  function finish (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: SendDone): void {
    const visit = visitOf(request, key)
    if (visit !== null && visit.sesid !== null) cookie.keepOut(reply)
    if (visit === null || visit.needsNoFinish) return done()
    hearErrors(payload)
    let body = payload
    const put = (change: CookieChange): void => {
      if (change.change !== 'none') body = takeCacheControl(payload, reply)
      visit.outlet?.put(change, true)
    }
    const answer: Done = given => {
      // A session that was read alone needs no store any more.
      const error = availability.serves(given) && !visit.hasUnsaved() ? undefined : given
      if (error) discard(body)
      if (reply.raw.headersSent) {
        request.log.warn({ err: error }, 'a reply was sent already: this one comes too late')
        return
      }
      // Fastify would keep the status that was set, such as a redirect's.
      if (error) reply.code(error instanceof SessionError ? error.statusCode : 500)
      done(error, body)
    }
    const go: Done = error => {
      if (error) return answer(error)
      turn.atEnd(() => {
        // Outside of the hook Fastify does not catch what it throws itself.
        try { answer() } catch (error) { answer(error as Error) }
      })
    }
    try {
      const change = visit.finishNow()
      if (change === undefined) return wait(visit.finish(), put, go)
      put(change)
    } catch (error) {
      return go(error as Error)
    }
    go()
  }

  if (hook === 'preParsing') fastify.addHook(hook, (request, reply, _payload, done) => { load(request, reply, done) })
  else fastify.addHook(hook, (request: FastifyRequest, reply: FastifyReply, done: Done) => { load(request, reply, done) })
  if (hook === 'onRequest' || hook === 'preParsing') {
    // Not in preHandler: plugins such as @fastify/passport read the session in preValidation.
    fastify.addHook('preValidation', (request, _reply, done) => { checkAgain(request, done) })
  }
  fastify.addHook('onSend', finish)
}

/** Returns the visit of a request whose session is loaded; otherwise null. */
export function visitOf (request: FastifyRequest, key: VisitKey): Visit | null {
  const visit = (request as VisitingRequest)[key]
  return visit instanceof Visit ? visit : null
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

/** Goes on with a value that has to be waited for. What is thrown on the way is the request's error. */
function wait<T> (promise: Promise<T>, use: (value: T) => void, done: Done): void {
  promise.then(value => {
    // Fastify catches what it throws itself, such as over a header that cannot be sent, only while it
    // calls a hook.
    try {
      use(value)
      done()
    } catch (error) {
      done(error as Error)
    }
  }, done)
}
