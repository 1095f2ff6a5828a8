import { randomBytes, randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import fileSessions from '../../index'
import { SessionError } from '../../lib/errors'
import { checkIds } from '../../lib/plugin/id-check'
import { MapStore, MemoryStore } from '../support/map-store'
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

/** A store with the five methods that makes these ids. */
class ForeignStore extends MapStore {
  constructor (readonly make: () => unknown) { super() }

  override async newSession (): Promise<string> {
    const sesid = this.make() as string
    await this.enter('newSession', sesid)
    this.texts.set(sesid, '')
    return sesid
  }
}

t.test('a store of others whose ids are too weak for keys stops the start, if the plugin encrypts', async t => {
  const ready = async (store: MapStore | MemoryStore, encryption: boolean): Promise<void> => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(fileSessions, { store, encryption }).ready()
  }
  const weak = { name: 'SessionError', code: 'SESSION_ID', message: /the store makes ids of about \d+ random bits, .* encryption needs 128, .* 22 or more/ }
  for (const make of [() => randomBytes(15).toString('hex'), () => 'x'.repeat(40), () => undefined]) {
    const store = new ForeignStore(make)
    await t.rejects(ready(store, true), weak)
    t.equal(store.texts.size, 0, 'the sessions that it made are removed')
    await t.resolves(ready(new ForeignStore(make), false))
  }
  const good = new ForeignStore(() => randomBytes(16).toString('hex'))
  await t.resolves(ready(good, true))
  t.equal(good.texts.size, 0)

  const records = (bytes: number): MemoryStore => Object.assign(new MemoryStore('sid', () => randomBytes(bytes).toString('hex')), { cipher: undefined })
  await t.rejects(ready(records(15), true), weak)
  await t.resolves(ready(records(15), false))
  await t.resolves(ready(records(16), true))
})

t.test('a store that cannot make a session when the plugin encrypts stops the start with its own error', async t => {
  const store = new MapStore()
  const trouble = new Error('no connection')
  store.before.newSession = () => { throw trouble }
  const app = Fastify()
  t.teardown(() => app.close())
  await t.rejects(async () => { await app.register(fileSessions, { store, encryption: true }).ready() }, trouble)
})
