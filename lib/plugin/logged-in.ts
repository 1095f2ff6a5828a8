import type { FastifyInstance } from 'fastify'
import type { RegisteredData, RegisteredName } from '../../types/registrations'
import { SessionError } from '../errors'
import { outsideOf } from './decorators'

/**
 * Makes a session for a test: stores these data and returns the Cookie header of a visitor who has
 * them, signed if the app's cookies are.
 *
 * ```ts
 * const cookie = await sessionCookie(app, { user: { id: 7, name: 'ada' } })
 * const response = await app.inject({ url: '/account', headers: { cookie } })
 * ```
 *
 * `app` is the instance that the plugin is registered on, or one below it; it is made ready first.
 * `sessionName` names a second registration. Works with every store.
 *
 * @throws {SessionError} SESSION_ARGUMENT for data that hold nothing, and for an app without such a session
 */
export async function sessionCookie<Name extends RegisteredName = 'session'> (
  app: FastifyInstance, data: Partial<RegisteredData<Name>>, sessionName?: Name
): Promise<string> {
  const name = sessionName ?? 'session'
  if (outsideOf(app, name)?.isReady !== true) await app.ready()
  const outside = outsideOf(app, name)
  if (outside === undefined) {
    throw new SessionError('SESSION_ARGUMENT', `sessionCookie: this app has no request.${name}: ` +
      'pass the instance that fastify-file-sessions is registered on')
  }
  return await outside.create(data)
}
