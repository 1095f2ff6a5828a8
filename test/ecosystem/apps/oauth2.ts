import type { FastifyInstance } from 'fastify'
import '../session-data'
// #region imports
import oauth2, { type OAuth2Namespace } from '@fastify/oauth2'
import type { FastifyRequest } from 'fastify'
import { randomBytes } from 'node:crypto'
import fileSessions from '../../../index'

declare module 'fastify' {
  interface FastifyInstance {
    example: OAuth2Namespace
  }
}
// #endregion

interface Provider {
  /** Where the provider is. */
  tokenHost: string
  userNameOf: (accessToken: string) => string
}

export async function oauth2App (
  app: FastifyInstance, sessionDir: string, { tokenHost, userNameOf }: Provider
): Promise<void> {
  // #region app
  await app.register(fileSessions, { sessionDir })
  await app.register(oauth2, {
    name: 'example',
    credentials: {
      client: { id: 'my-app', secret: 'my-secret' },
      auth: { tokenHost, tokenPath: '/token', authorizePath: '/authorize' }
    },
    startRedirectPath: '/login',
    callbackUri: request => `${request.protocol}://${request.host}/login/callback`,
    generateStateFunction: (request: FastifyRequest) => {
      const state = randomBytes(24).toString('base64url')
      request.session.oauthState = state
      return state
    },
    checkStateFunction: (request: FastifyRequest) => {
      const expected = request.session.oauthState
      delete request.session.oauthState
      return expected !== undefined && (request.query as { state?: string }).state === expected
    }
  })

  app.get('/login/callback', async (request, reply) => {
    const { token } = await app.example.getAccessTokenFromAuthorizationCodeFlow(request, reply)
    const userName = userNameOf(token.access_token)
    await request.session.regenerate()
    request.session.userName = userName
    return reply.redirect('/')
  })

  app.get('/', async request => ({ userName: request.session.userName ?? null }))
  // #endregion
}
