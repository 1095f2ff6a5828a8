import fs from 'node:fs'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import fileSessions from '../../index'
import { FileStore } from '../../lib/store/files/file-store'
import { localDiskWith } from '../../lib/store/files/local-disk'
import { undeclared } from './undeclared'

/** On its clock no call is slow, however busy the machine is: files in use are always kept open. */
const QUICK = localDiskWith({ clock: () => 0 })

/**
 * A server in a process of its own, which few-descriptors.test.ts starts with a low limit on open
 * files: `few-descriptors-app.ts DIRECTORY`. Tells its port to its parent.
 */
async function serve (sessionDir: string): Promise<void> {
  const occupied: number[] = []
  const isOfSessions = (fd: string): boolean => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(sessionDir)
    } catch {
      // The one that the list was read from is closed again.
      return false
    }
  }
  const app = Fastify()
  const store = new FileStore({ sessionDir }, QUICK)
  // A sweep, which comes at a random time, would have a directory open while descriptors are counted.
  await app.register(fileSessions, { store, reapInterval: 0 })

  app.post('/count', async request => await undeclared(request).update(draft => {
    draft.n = (draft.n as number | undefined ?? 0) + 1
    return { n: draft.n }
  }))
  app.post('/set', async request => {
    request.session.set('set', String(Math.random()))
    return {}
  })
  app.get('/n', async request => ({ n: request.session.get('n') }))

  const off = { config: { session: false } }
  app.post<{ Params: { left: string }, Querystring: { keep?: string } }>('/occupy/:left', off, async request => {
    if (request.query.keep === undefined) await store.close()
    try {
      for (;;) occupied.push(fs.openSync('/dev/null', 'r'))
    } catch (error) {
      for (let left = Number(request.params.left); left > 0; left--) fs.closeSync(occupied.pop() as number)
      return { code: (error as NodeJS.ErrnoException).code }
    }
  })
  app.post('/release', off, async () => {
    for (const fd of occupied.splice(0)) fs.closeSync(fd)
    return {}
  })
  app.get('/descriptors', off, async () => {
    await store.close()
    // Of files alone: the client may open another connection at any time.
    return { open: fs.readdirSync('/proc/self/fd').filter(isOfSessions).length }
  })

  process.once('disconnect', () => { app.close().catch(fail) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  process.send?.((app.server.address() as AddressInfo).port)
}

serve(process.argv[2] as string).catch(fail)

function fail (error: unknown): void {
  console.error(error)
  process.exit(1)
}
