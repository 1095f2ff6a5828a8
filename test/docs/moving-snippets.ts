import { join } from 'node:path'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import { newSession } from '../support/new-session'
import { RedisServer, redisIsMissing } from '../support/redis-server'
import { checkShell, COUNTER, run, serve, type Check } from './document'
import { root } from '../support/built-package'
import { symlink } from 'node:fs/promises'

/** Runs the lines of the command, and puts a session into the old place before. Returns what they print. */
async function moved (t: Parameters<Check>[0], text: string, cwd: string): Promise<string> {
  await checkShell(text)
  if (redisIsMissing !== false) return ''
  const server = await RedisServer.start(t)
  await newSession(new SessionFileStore({ sessionDir: join(cwd, 'sessions') }), 'text')
  await symlink(join(root, 'node_modules', 'redis'), join(cwd, '..', 'node_modules', 'redis')).catch(() => undefined)
  const command = `node ${join(cwd, '..', 'node_modules/fastify-file-sessions/dist/lib/cli/main.js')}`
  const { stdout } = await run('bash', ['-c', text.replaceAll('npx --no-install file-sessions', command)], { cwd, env: { ...process.env, REDIS_URL: server.url } })
  return stdout
}

/** How the snippets about moving are checked. */
export const MOVING: Record<string, Check> = {
  async copy (t, { text }, cwd) {
    t.equal(await moved(t, text, cwd), redisIsMissing === false ? 'sid: 1 copied, 0 present, 0 expired, 0 failed\n' : '')
  },

  async moving (t, { text }, cwd) {
    if (redisIsMissing !== false) {
      t.pass('the app', { skip: redisIsMissing })
      return
    }
    const server = await RedisServer.start(t)
    await symlink(join(root, 'node_modules', 'redis'), join(cwd, '..', 'node_modules', 'redis')).catch(() => undefined)
    const app = text.replace('process.env.REDIS_URL', `'${server.url}'`).replace(/^import Fastify.*$/m, '').replace('import fileSessions, { MovingSessionStore', 'import { MovingSessionStore').replace(/^const app = .*$/m, '')
    const client = await serve(t, cwd, `${app}\n${COUNTER}`, { registered: false })
    t.equal((await client.get('/')).text, 'visit 1\n')
    t.equal((await client.get('/')).text, 'visit 2\n')
  },

  async 'move-rest' (t, { text }, cwd) {
    const printed = await moved(t, text, cwd)
    if (redisIsMissing === false) t.match(printed, /^sid: 1 moved, 0 present, 0 expired, 0 failed\nappid .*\nsid +0 /)
  }
}
