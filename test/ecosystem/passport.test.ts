import { Authenticator, Strategy } from '@fastify/passport'
import Fastify, { type FastifyInstance } from 'fastify'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import fileSessions, { type FileSessionsOptions } from '../../index'
import { passportApp, type Users } from './apps/passport'
import { Client } from '../support/client'
import { listen } from '../support/serve'
import { sessionFiles } from '../support/session-files'

const ALICE = { username: 'alice', password: 'wonderland' }

async function start (t: Test): Promise<{ visitor: Client, accounts: Map<number, { id: number, name: string }>, files: () => string[] }> {
  const accounts = new Map([[7, { id: 7, name: 'alice' }]])
  const users: Users = {
    find: (name, password) => name === ALICE.username && password === ALICE.password ? accounts.get(7) : undefined,
    get: id => accounts.get(id)
  }
  const sessionDir = join(t.testdir(), 'sessions')
  const app = Fastify()
  await passportApp(app, sessionDir, users)
  return { visitor: new Client(await listen(t, app)), accounts, files: () => sessionFiles(sessionDir) }
}

t.test('a visitor logs in, stays logged in, and logs out', async t => {
  const { visitor, files } = await start(t)
  t.same(JSON.parse((await visitor.get('/')).text), { user: null })
  t.equal(visitor.jar.size, 0, 'a visitor who is not logged in gets no cookie')

  const login = await visitor.post('/login', ALICE)
  t.equal(login.status, 302)
  t.equal(login.headers.get('location'), '/')
  t.same(JSON.parse((await visitor.get('/')).text), { user: { id: 7, name: 'alice' } })
  t.same(JSON.parse((await visitor.get('/account')).text), { account: { id: 7, name: 'alice' } })
  t.equal(files().length, 1)

  const thief = visitor.twin()
  await visitor.post('/logout')
  t.equal(visitor.jar.size, 0, 'the cookie is cleared')
  t.same(files(), [], 'nothing of the session is left')
  t.same(JSON.parse((await visitor.get('/')).text), { user: null })
  t.same(JSON.parse((await thief.get('/')).text), { user: null }, 'the old cookie is worth nothing')
})

t.test('logging in changes the session id, and drops what the visitor had before', async t => {
  const { visitor, files } = await start(t)
  await visitor.post('/login', { username: 'alice', password: 'guess' })
  const before = visitor.twin()
  t.equal(before.jar.size, 1)

  await visitor.post('/login', ALICE)
  t.not(visitor.jar.get('sid'), before.jar.get('sid'))
  t.same(JSON.parse((await before.get('/')).text), { user: null }, 'an id planted before the login is worth nothing')
  t.same(JSON.parse((await visitor.get('/login')).text), { messages: [] })
  t.equal(files().length, 1)
})

t.test('a failed login leaves a message, shown once', async t => {
  const { visitor } = await start(t)
  const failed = await visitor.post('/login', { username: 'alice', password: 'guess' })
  t.equal(failed.status, 302)
  t.equal(failed.headers.get('location'), '/login')
  await visitor.post('/login', { username: 'bob', password: 'guess' })
  t.same(JSON.parse((await visitor.get('/login')).text), { messages: ['Wrong name or password', 'Wrong name or password'] })
  t.same(JSON.parse((await visitor.get('/login')).text), { messages: [] })
  t.same(JSON.parse((await visitor.get('/')).text), { user: null })
})

t.test('after the login the visitor gets to where they were going', async t => {
  const { visitor } = await start(t)
  const turnedAway = await visitor.get('/account?tab=2')
  t.equal(turnedAway.headers.get('location'), '/login')
  const login = await visitor.post('/login', ALICE)
  t.equal(login.headers.get('location'), '/account?tab=2')
  const again = await visitor.post('/login', ALICE)
  t.equal(again.headers.get('location'), '/', 'which is remembered for one login only')
})

t.test('a user who was removed is logged out at the next request', async t => {
  const { visitor, accounts, files } = await start(t)
  await visitor.post('/login', ALICE)
  accounts.delete(7)
  t.same(JSON.parse((await visitor.get('/')).text), { user: null })
  t.equal(visitor.jar.size, 0)
  t.same(files(), [])
})

t.test('with clearSessionOnLogin: false, and with keepSessionInfo, the data outlive the change of ids', async t => {
  for (const clearSessionOnLogin of [false, true]) {
    const visitor = await startBare(t, new Authenticator({ clearSessionOnLogin }), app => {
      app.post('/login', async request => { await request.logIn({ id: 7 }, { keepSessionInfo: clearSessionOnLogin }) })
    })
    await visitor.post('/basket')
    const before = visitor.twin()
    await visitor.post('/login')
    t.same(JSON.parse((await visitor.get('/')).text), { user: { id: 7 }, basket: ['apple'] })
    t.not(visitor.jar.get('sid'), before.jar.get('sid'))
    t.same(JSON.parse((await before.get('/')).text), { user: null })
    await visitor.post('/logout')
    const { user, basket } = JSON.parse((await visitor.get('/')).text)
    t.equal(user, null)
    t.same(basket, clearSessionOnLogin ? undefined : ['apple'])
  }
})

// Passport does not wait for its redirect to go out, so the route's handler runs while the session
// is being stored; an async one sends an answer of its own, which must not go out before that.
t.test('a login whose handler answers as well is kept, whichever answer goes out', async t => {
  const passport = new Authenticator()
  const visitor = await startBare(t, passport, app => {
    app.post('/login', { preValidation: passport.authenticate(new SureStrategy('sure'), { successRedirect: '/' }) }, async () => {})
  })
  await visitor.post('/login')
  t.same(JSON.parse((await visitor.get('/')).text), { user: { id: 7 } })
})

t.test('nor is there a good answer when that session could not be stored', async t => {
  const passport = new Authenticator()
  const visitor = await startBare(t, passport, app => {
    app.post('/login', { preValidation: passport.authenticate(new SureStrategy('sure'), { successRedirect: '/' }) }, async () => {})
  }, { maxSize: 5 })
  const login = await visitor.post('/login')
  t.equal(login.status, 500)
  t.match(login.text, 'SESSION_TOO_BIG')
  t.equal(visitor.jar.size, 0)
})

t.test('without hook: \'onRequest\' the error says what to do', async t => {
  const app = Fastify()
  await app.register(fileSessions, { sessionDir: join(t.testdir(), 'sessions') })
  const passport = new Authenticator()
  await app.register(passport.initialize())
  await app.register(passport.secureSession())
  app.get('/', async () => 'never')
  const visitor = new Client(await listen(t, app))
  const { status, text } = await visitor.get('/')
  t.equal(status, 500)
  t.match(JSON.parse(text), { code: 'SESSION_NOT_LOADED', message: /loaded in preHandler.*option hook/ })
})

class SureStrategy extends Strategy {
  override authenticate (): void {
    this.success({ id: 7 })
  }
}

/** An app whose users are made up of the id in the session. */
async function startBare (
  t: Test, passport: InstanceType<typeof Authenticator>, addRoutes: (app: FastifyInstance) => void,
  options: FileSessionsOptions = {}
): Promise<Client> {
  const app = Fastify()
  await app.register(fileSessions, { sessionDir: join(t.testdir(), 'sessions'), hook: 'onRequest', ...options })
  await app.register(passport.initialize())
  await app.register(passport.secureSession())
  passport.registerUserSerializer(async (user: { id: number }) => user.id)
  passport.registerUserDeserializer(async (id: number) => ({ id }))
  app.post('/basket', async request => { request.session.set('basket', ['apple']) })
  app.post('/logout', async request => { await request.logOut() })
  app.get('/', async request => ({ user: request.user ?? null, basket: request.session.get('basket') }))
  addRoutes(app)
  return new Client(await listen(t, app))
}
