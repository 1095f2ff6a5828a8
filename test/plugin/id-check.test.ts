import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import fileSessions from '../../index'
import { SessionError } from '../../lib/errors'
import { checkIds } from '../../lib/plugin/id-check'
import { sessionDirectory } from '../support/session-files'

async function start (t: Test, idGenerator: () => string): Promise<void> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(fileSessions, { sessionDir: sessionDirectory(t), idGenerator })
}

t.test('an idGenerator whose ids are easy to guess, or repeat, stops the start', async t => {
  let count = 0
  const option = (message: RegExp) => ({ name: 'SessionError', code: 'SESSION_OPTION', message })
  await t.rejects(start(t, () => String(++count)), option(/option idGenerator makes ids that are easy to guess: about \d random bits/))
  await t.rejects(start(t, () => Math.random().toString(36).slice(2)), option(/easy to guess: about \d\d random bits, where 64 are the least/))
  await t.rejects(start(t, () => 'x'.repeat(40)), option(/option idGenerator must return a new random string each time: some ids were equal/))
  await t.rejects(start(t, () => 7 as unknown as string), { code: 'SESSION_ID' })
  await t.rejects(start(t, () => { throw new Error('no entropy') }), { code: 'SESSION_ID', cause: { message: 'no entropy' } })
  await t.resolves(start(t, () => randomUUID()))
})

t.test('an error of the store is not taken for one of the generator', async t => {
  const error = new SessionError('SESSION_STORE', 'no')
  await t.rejects(checkIds({ newId: () => Promise.reject(error) }), { code: 'SESSION_STORE' })
})
