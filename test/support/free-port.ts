import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Returns a port that nothing listens on, for a server that cannot choose one itself, or that is started
 * again on the same one. It lies below those that the system gives to outgoing connections: one of these could
 * have it before the server does, and a client that tries again and again to reach a server that is away could
 * connect to itself.
 */
export async function freePort (): Promise<number> {
  for (;;) {
    const server = createServer()
    const port = 12_000 + Math.floor(Math.random() * 20_000)
    server.listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch {
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
