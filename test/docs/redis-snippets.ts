import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RedisServer, redisIsMissing } from '../support/redis-server'
import { run, type Check } from './document'

/** The snippets of docs/stores.md about Redis. */
export const REDIS_SNIPPETS: Record<string, Check> = {
  async redis (t, { text }, cwd) {
    await t.test('with a server', { skip: redisIsMissing }, async t => {
      const { url } = await RedisServer.start(t)
      await writeFile(join(cwd, 'app.mjs'), `${text}
        app.get('/', async request => request.session.visits = (request.session.visits ?? 0) + 1)
        const { cookies: [{ name, value }] } = await app.inject('/')
        console.log((await app.inject({ url: '/', cookies: { [name]: value } })).body)
        await app.close()`)
      t.equal((await run(process.execPath, ['app.mjs'], { cwd, env: { ...process.env, REDIS_URL: url } })).stdout, '2\n')
    })
  }
}
