import diagnosticsChannel from 'node:diagnostics_channel'
import { Writable } from 'node:stream'
import Fastify from 'fastify'
import t from 'tap'
import fileSessions from '../../index'
import { SessionError } from '../../lib/errors'
import { noteUnsettled } from '../../lib/session/unsettled'
import type { NewSession } from '../../lib/session/opened-session'
import { sessionHandle } from '../../lib/store/session-id'
import { FileStore } from '../../lib/store/files/file-store'
import { registerIndex, SessionIndex } from '../../lib/store/session-index'
import type { IndexedData } from '../support/indexed-app'
import { sessionDirectory } from '../support/session-files'
import { begin } from '../support/visits'

t.test('a visitor who logs in while the lists fail has the session, and the log and the diagnostics tell', async t => {
  const store = new FileStore({ sessionDir: sessionDirectory(t) })
  const companion = store.companion()
  const read = companion.records.read.bind(companion.records)
  let isBroken = false
  companion.records.read = async name => {
    if (isBroken) throw new SessionError('SESSION_FILE', 'the disk fails', { cause: { code: 'EIO' } })
    return await read(name)
  }
  Object.assign(store, { companion: () => companion })
  registerIndex(store, new SessionIndex(store))
  const { remove } = store
  let isWon = false
  store.remove = async (...call) => {
    const removal = await remove.apply(store, call)
    isBroken = isWon
    return removal
  }
  const lines: string[] = []
  const stream = new Writable({ write (chunk, _encoding, done) { lines.push(String(chunk)); done() } })
  const app = Fastify({ logger: { level: 'warn', stream } })
  t.teardown(() => app.close())
  await app.register(fileSessions, { store, indexes: { user: data => (data as IndexedData).user }, maxPerValue: { user: 3 }, cookie: { secure: false }, reapInterval: 0 })
  app.get('/cart', async request => { request.session.set('cart', 'full') })
  app.get('/look', async request => request.session.get('cart') ?? 'empty')
  app.get('/login', async request => {
    request.session.set('user', 'ada')
    isWon = true
    await request.session.authenticated()
  })
  const visit = async (url: string, cookie = '') => await app.inject({ url, headers: { cookie } })
  const cookieOf = ({ cookies: [set] }: Awaited<ReturnType<typeof visit>>): string => `${set?.name}=${set?.value}`
  const events: unknown[] = []
  const listener = (event: unknown): void => { events.push(event) }
  diagnosticsChannel.subscribe('fastify-file-sessions:error', listener)
  t.teardown(() => { diagnosticsChannel.unsubscribe('fastify-file-sessions:error', listener) })
  const login = await visit('/login', cookieOf(await visit('/cart')))
  isBroken = false
  isWon = false
  t.equal(login.statusCode, 200)
  t.equal((await visit('/look', cookieOf(login))).body, 'full')
  t.strictSame(events, [{ appid: 'sid', operation: 'authenticated', code: 'SESSION_FILE', cause: 'EIO' }])
  t.equal(lines.length, 1)
  t.match(lines[0], 'could not be ended')
})

t.test('of a session that was settled, or was not made, there is nothing to tell', async t => {
  const { visits, visit } = await begin({ a: 1 })
  const made = { sesid: 'the id', name: 'the name', stored: { text: '{}' } } as NewSession
  noteUnsettled(visit, 'renew', null)
  noteUnsettled(visit, 'renew', made)
  t.strictSame(visits.log, [])
  const trouble = new SessionError('SESSION_FILE', 'no')
  noteUnsettled(visit, 'renew', { ...made, unsettled: trouble })
  t.match(visits.log, [{ level: 'warn', error: trouble, session: sessionHandle('the name'), message: /has a new id.*could not be ended/ }])
})
