import cookie from '@fastify/cookie'
import Fastify from 'fastify'
import fileSessions, {
  SessionError, SessionFileStore, type FileSessionsOptions, type SessionStore
} from 'fastify-file-sessions'

declare module 'fastify-file-sessions' {
  interface SessionData {
    visits: number
  }
}

const options: FileSessionsOptions = { appid: 'sid', sessionDir: './sessions', cookie: { sameSite: 'lax' } }
const app = Fastify()
// The newest version, which may be another than the one that this package brings.
app.register(cookie, { secret: 'a secret' })
app.register(fileSessions, options)

app.get('/', async ({ session }) => {
  session.visits = (session.visits ?? 0) + 1
  const visits: number | undefined = session.get('visits')
  const same: number = await session.update(draft => draft.visits ?? 0) ?? 0
  // @ts-expect-error -- a number
  session.set('visits', 'none')
  session.set('visits', visits)
  // @ts-expect-error -- not declared
  session.undeclared = true
  delete (session as { undeclared?: boolean }).undeclared
  return { visits, same }
})

app.get('/store', { config: { session: false } }, async () => {
  const store: SessionStore = app.sessionStore
  const text: string | null = await store.getSession('none')
  return { text, isError: new SessionFileStore(options.appid === undefined ? {} : { appid: options.appid }) instanceof SessionError }
})

console.log(await app.listen({ port: 0 }))
