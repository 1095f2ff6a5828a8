import type { FastifyRequest } from 'fastify'
import { expect, test } from 'tstyche'
import type { RequestSession } from '../index'

test('request.session is typed', () => {
  expect<FastifyRequest['session']>().type.toBe<RequestSession>()
})
