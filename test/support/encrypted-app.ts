import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import fileSessions from '../../index'
import type { EncryptionOptions } from '../../lib/store/encryption-options'
import { Client } from './client'
import { undeclared } from './undeclared'

interface Setup { sessionDir: string, encryption: boolean | EncryptionOptions }

/** An app in a process of its own. */
export class EncryptedApp {
  private constructor (readonly process: ChildProcess, private url: string) {}

  /** Starts one. It ends with the test. */
  static async start (t: Test, setup: Setup): Promise<EncryptedApp> {
    const child = fork(__filename, { execArgv: process.execArgv })
    t.teardown(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    })
    const app = new EncryptedApp(child, '')
    await app.deploy(setup)
    return app
  }

  /** Closes the app, and starts another one in the same process. */
  async deploy (setup: Setup): Promise<void> {
    this.process.send(setup)
    const [port] = await once(this.process, 'message') as [number]
    this.url = `http://127.0.0.1:${port}`
  }

  /** Adds one to the count of a new session, and puts a word into it; returns its id. */
  async begin (word: string): Promise<string> {
    const visitor = new Client(this.url)
    await visitor.post(`/count?word=${word}`)
    return visitor.sesid
  }

  /** Adds one to the count of a session, and returns the count. */
  async count (sesid: string): Promise<number> {
    return (await this.#visitor(sesid).post('/count')).json as number
  }

  /** Returns what the session holds; null when it is not served. */
  async data (sesid: string): Promise<unknown> {
    return (await this.#visitor(sesid).get('/data')).json
  }

  #visitor (sesid: string): Client {
    const visitor = new Client(this.url)
    visitor.cookie = `sid=${sesid}`
    return visitor
  }
}

async function serve ({ sessionDir, encryption }: Setup): Promise<FastifyInstance> {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(fileSessions, { sessionDir, encryption })
  app.post<{ Querystring: { word?: string } }>('/count', async request => {
    const { query } = request
    const session = undeclared(request)
    if (query.word !== undefined) session.set('word', query.word)
    if (session.isNew) await session.save()
    return await session.update(draft => {
      const count = Number(draft['count'] ?? 0) + 1
      draft['count'] = count
      return count
    })
  })
  app.get('/data', async ({ session }) => session.isNew ? 'null' : session.data())
  await app.listen({ port: 0, host: '127.0.0.1' })
  process.send?.((app.server.address() as AddressInfo).port)
  return app
}

async function deploy (setup: Setup, before: Promise<FastifyInstance> | null): Promise<FastifyInstance> {
  await (await before)?.close()
  return await serve(setup)
}

if (require.main === module) {
  let app: Promise<FastifyInstance> | null = null
  process.on('message', (setup: Setup) => {
    app = deploy(setup, app)
    app.catch((error: unknown) => { throw error })
  })
}
