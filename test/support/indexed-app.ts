import Fastify, { type FastifyInstance } from 'fastify'
import fileSessions, { type FileSessionsOptions } from '../../index'

export interface IndexedData { user?: number | string | undefined, sid?: string | undefined, note?: unknown }

/** An app whose sessions can be found by user, with a route for each way in which data change. */
export function indexedApp (options: FileSessionsOptions): FastifyInstance {
  const app = Fastify()
  app.register(fileSessions, {
    indexes: { user: data => (data as IndexedData).user, sid: data => (data as IndexedData).sid },
    about: request => ({ agent: request.headers['user-agent'] }),
    reapInterval: 0,
    ...options
  })
  app.get('/set/:name/:value', async request => {
    const { name, value } = request.params as { name: string, value: string }
    request.session.set(name, value === 'none' ? undefined : value)
    await request.session.save()
    return { handle: request.session.handle, deleted: request.session.deleted }
  })
  app.get('/regenerate', async request => {
    const { keep = '' } = request.query as { keep?: string }
    await request.session.regenerate(keep.split(',').filter(Boolean) as never[])
    return { handle: request.session.handle, deleted: request.session.deleted }
  })
  app.get('/update/:name/:value', async request => {
    const { name, value } = request.params as { name: string, value: string }
    await request.session.update(draft => { (draft as Record<string, unknown>)[name] = value })
    return { handle: request.session.handle }
  })
  app.get('/destroy', async request => {
    await request.session.destroy()
    return {}
  })
  app.get('/data', async request => request.session.data())
  return app
}

/** A browser: keeps the session cookie. */
export class Browser {
  cookie: string | undefined

  constructor (readonly app: FastifyInstance, readonly agent = 'a browser') {}

  async get (url: string): Promise<{ status: number, body: Record<string, unknown>, handle: string }> {
    const response = await this.app.inject({ url, headers: { 'user-agent': this.agent, ...this.cookie === undefined ? {} : { cookie: this.cookie } } })
    const set = response.cookies[0]
    if (set !== undefined) this.cookie = set.value === '' ? undefined : `${set.name}=${set.value}`
    const body = response.json<Record<string, unknown>>()
    return { status: response.statusCode, body, handle: String(body.handle) }
  }

  async login (user: number | string): Promise<string> {
    return (await this.get(`/set/user/${user}`)).handle
  }

  /** The user that the browser's session has; undefined: it has none. */
  async user (): Promise<unknown> {
    return (await this.get('/data')).body.user
  }
}
