import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { SettledOptions } from './options'
import type { SessionCookie } from './session-cookie'
import type { SessionManager, Visit } from './session-manager'

type Done = HookHandlerDoneFunction
/** Where a request keeps its visit: null until the session is loaded. */
export type VisitKey = symbol
type VisitingRequest = FastifyRequest & Record<VisitKey, Visit | null>

/** Loads the session in the chosen hook, and stores it when the response is about to be sent. */
export function addSessionHooks (
  fastify: FastifyInstance, hook: SettledOptions['hook'], key: VisitKey, manager: SessionManager, cookie: SessionCookie
): void {
  function load (request: FastifyRequest, done: Done): void {
    if (isExempt(request)) return done()
    const visiting = request as VisitingRequest
    const sesid = cookie.read(request)
    if (sesid === null) {
      visiting[key] = manager.begin(request.log)
      return done()
    }
    manager.load(sesid, request.log).then(visit => {
      visiting[key] = visit
      done()
    }, done)
  }

  function finish (request: FastifyRequest, reply: FastifyReply, _payload: unknown, done: Done): void {
    const visit = (request as VisitingRequest)[key]
    if (visit === null || visit === undefined) return done()
    const change = manager.finish(visit)
    if (!(change instanceof Promise)) {
      cookie.write(request, reply, change)
      return done()
    }
    change.then(change => { cookie.write(request, reply, change) }).then(() => { done() }, (error: Error) => {
      // Fastify would keep the status that was set, such as a redirect's.
      reply.code(500)
      done(error)
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
