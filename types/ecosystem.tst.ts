import type {} from '@fastify/csrf-protection'
import type {} from '@fastify/flash'
import type {} from '@fastify/passport'
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { expect, test } from 'tstyche'
import fileSessions, { type RequestSession, type SessionFileStore } from '../index'

test('with TypeBox, body and session are typed, whatever the plugin is registered on', () => {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  expect(app.register).type.toBeCallableWith(fileSessions, { appid: 'sid', hook: 'onRequest' as const })
  expect(app.sessionStore).type.toBe<SessionFileStore>()

  const schema = { body: Type.Object({ name: Type.String() }), params: Type.Object({ id: Type.Integer() }) }
  app.post('/users/:id', { schema, config: { session: true } }, request => {
    expect(request.body).type.toBe<{ name: string }>()
    expect(request.params).type.toBe<{ id: number }>()
    expect(request.session).type.toBe<RequestSession>()
    expect(request.session.set('name', request.body.name)).type.toBe<void>()
  })
  app.post('/', { schema, preHandler: request => { expect(request.session).type.toBe<RequestSession>() } }, () => {})
})

test('the types of the plugins that sit on sessions leave request.session as it is', () => {
  expect<FastifyRequest['session']>().type.toBe<RequestSession>()
  expect<FastifyRequest>().type.toHaveProperty('flash')
  expect<FastifyRequest>().type.toHaveProperty('logIn')
  expect<FastifyReply>().type.toHaveProperty('generateCsrf')
})
