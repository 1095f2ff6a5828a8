import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { SettledOptions } from './options'
import type { SessionCookie } from './session-cookie'
import type { SessionManager, Visit } from '../session/session-manager'
import { Turn } from './turn'

type Done = HookHandlerDoneFunction
/** Where a request keeps its visit: null until the session is loaded. */
export type VisitKey = symbol
export type VisitingRequest = FastifyRequest & Record<VisitKey, Visit | null>

/** Loads the session in the chosen hook, and stores it when the response is about to be sent. */
export function addSessionHooks (
  fastify: FastifyInstance, hook: SettledOptions['hook'], key: VisitKey, manager: SessionManager, cookie: SessionCookie
): void {
  const turn = new Turn()

  function load (request: FastifyRequest, done: Done): void {
    turn.goOn()
    if (isExempt(request)) return done()
    const visiting = request as VisitingRequest
    const sesid = cookie.read(request)
    if (sesid === null) {
      visiting[key] = manager.begin(request.log)
      return done()
    }
    proceed(() => manager.load(sesid, request.log), visit => { visiting[key] = visit }, done)
  }

  function finish (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: Done): void {
    const visit = (request as VisitingRequest)[key]
    if (visit === null || visit === undefined || visit.isIdle) return done()
    const stream = isStream(payload) ? payload : null
    // Until it is sent nobody else listens, and an error that nobody listens for ends the process.
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
    proceed(() => manager.finish(visit), change => { cookie.write(request, reply, change) }, error => {
      if (error || !visit.storedAtOnce) return answer(error)
      turn.atEnd(() => {
        // Nobody else would answer what Fastify throws.
        try { answer() } catch (error) { answer(error as Error) }
      })
    })
  }

  if (hook === 'preParsing') fastify.addHook(hook, (request, _reply, _payload, done) => { load(request, done) })
  else fastify.addHook(hook, (request: FastifyRequest, _reply: FastifyReply, done: Done) => { load(request, done) })
  fastify.addHook('onSend', finish)
}

/** Whether the route has said `config: { session: false }`. */
export function isExempt (request: FastifyRequest): boolean {
  return request.routeOptions.config?.session === false
}

/** What Fastify takes for a stream. */
function isStream (payload: unknown): payload is Pick<Readable, 'on'> & Partial<Pick<Readable, 'destroy'>> {
  return typeof (payload as Partial<Readable> | null | undefined)?.pipe === 'function'
}

/** Goes on with a value that may have to be waited for. Whatever is thrown on the way is the request's error. */
function proceed<T> (get: () => T | Promise<T>, use: (value: T) => void, done: Done): void {
  try {
    const value = get()
    if (value instanceof Promise) {
      // Fastify catches what it throws itself, such as over a header that cannot be sent, only while
      // it calls a hook: nobody else would answer now.
      value.then(use).then(() => { done() }).catch(done)
      return
    }
    use(value)
  } catch (error) {
    return done(error as Error)
  }
  done()
}
