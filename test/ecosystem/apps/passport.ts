import type { FastifyInstance } from 'fastify'
import '../session-data'
// #region imports
import formbody from '@fastify/formbody'
import { Authenticator } from '@fastify/passport'
import { Strategy as LocalStrategy } from 'passport-local'
import fileSessions from '../../../index'
// #endregion

interface User { id: number, name: string }

export interface Users {
  find: (name: string, password: string) => User | undefined
  get: (id: number) => User | undefined
}

export async function passportApp (app: FastifyInstance, sessionDir: string, users: Users): Promise<void> {
  // #region app
  await app.register(fileSessions, { sessionDir, hook: 'onRequest' })
  await app.register(formbody)

  const passport = new Authenticator({ clearSessionIgnoreFields: ['returnTo'] })
  await app.register(passport.initialize())
  await app.register(passport.secureSession())

  passport.use(new LocalStrategy((name, password, done) => {
    const user = users.find(name, password)
    if (user === undefined) done(null, false, { message: 'Wrong name or password' })
    else done(null, user)
  }))
  passport.registerUserSerializer(async (user: { id: number }) => user.id)
  passport.registerUserDeserializer(async (id: number) => users.get(id) ?? null)

  app.post('/login', {
    preValidation: passport.authenticate('local', {
      successReturnToOrRedirect: '/',
      failureRedirect: '/login',
      failureMessage: true
    })
  }, () => {})

  app.get('/login', async request => {
    const messages = request.session.get('messages') ?? []
    request.session.set('messages', undefined)
    return { messages }
  })

  app.post('/logout', async (request, reply) => {
    await request.logout()
    return reply.redirect('/')
  })

  app.get('/', async request => ({ user: request.user ?? null }))

  app.get('/account', async (request, reply) => {
    if (request.isAuthenticated()) return { account: request.user }
    request.session.set('returnTo', request.url)
    return reply.redirect('/login')
  })
  // #endregion
}
