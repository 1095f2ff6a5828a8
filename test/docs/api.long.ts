import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import http from 'node:http'
import { join } from 'node:path'
import { checkSnippets, COUNTER, Document, javascript, printed, serve } from './document'

const page = new Document('docs/api.md')

checkSnippets(page, {
  /** `typescript.long.ts` compiles it; its store is only declared. */
  async types () {},

  async 'store-types' (t, snippet, cwd) {
    const client = await serve(t, cwd, `await app.after()
      await app.sessionStore.newSession()
      ${javascript(snippet)}
      app.get('/stored', async () => { for await (const session of app.sessionStore.sessions()) return session; return null })`)
    t.equal((await client.get('/stored')).json, null, 'it has removed all sessions')
  },

  async 'load-session' (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}\n${COUNTER}\napp.get('/seen', async ({ session }) => session.seen)`)
    const status = async (): Promise<number> => {
      const request = http.get(client.url, {
        headers: { connection: 'upgrade', upgrade: 'own', cookie: client.cookie }
      })
      const [response] = await once(request, 'response') as [http.IncomingMessage]
      response.resume()
      return response.statusCode ?? 0
    }
    t.equal(await status(), 401)
    await client.get('/')
    t.equal(await status(), 200)
    t.equal((await client.get('/seen')).text, '1')
  },

  async reindex (t, { text }, cwd) {
    t.equal(await printed(`import Fastify from 'fastify'
      import fileSessions, { SessionFileStore, sessionCookie } from 'fastify-file-sessions'
      const before = Fastify()
      before.register(fileSessions)
      await sessionCookie(before, { user: { id: 42 } })
      await before.close()
      const app = Fastify()
      app.register(fileSessions, { indexes: { user: data => data.user?.id } })
      await app.ready()
      ${text}
      console.log(await app.sessionStore.revokeAll('user', 42))
      await app.close()`, cwd), '1 sessions entered, 0 failed \n1\n')
  },

  async 'session-cookie' (t, { text }, cwd) {
    t.equal(await printed(`import Fastify from 'fastify'
      import fileSessions from 'fastify-file-sessions'
      const app = Fastify()
      app.register(fileSessions)
      ${text}
      await app.close()`, cwd), 'ada\nlog in first\n')
  },

  async store (t, { text }, cwd) {
    t.equal(await printed(text, cwd), 'any text\n')
    t.same(await filesIn(join(cwd, 'sessions')), [])
  },

  async verbs (t, { text }, cwd) {
    t.equal(await printed(text, cwd), 'replaced\nconflict\nremoved\n')
    t.same(await filesIn(join(cwd, 'sessions')), [])
  },

  async 'own-store' (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}\n${COUNTER}\napp.get('/size', async () => sessions.size)`, { registered: false })
    t.equal((await client.get('/')).text, 'visit 1\n')
    t.equal((await client.get('/')).text, 'visit 2\n')
    t.ok(client.jar.has('memory'))
    t.equal((await client.get('/size')).text, '1')
    t.notOk((await readdir(cwd)).includes('sessions'))
  },

  async adapters (t, { text }, cwd) {
    const client = await serve(t, cwd, `${text}\n${COUNTER}`, { registered: false })
    t.equal((await client.get('/')).text, 'visit 1\n')
    t.equal((await client.get('/')).text, 'visit 2\n')
    t.notOk((await readdir(cwd)).includes('sessions'))
  }
})

/** The names of the files below a directory. */
async function filesIn (directory: string): Promise<string[]> {
  return (await readdir(directory, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile()).map(({ name }) => name)
}
