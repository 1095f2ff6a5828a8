import { createRequire } from 'node:module'
import { setTimeout as wait } from 'node:timers/promises'

/** The helpers of the tests are TypeScript. */
export const load = createRequire(import.meta.url)
load('../../support/typescript-loader.cjs')
const { TcpProxy } = load('../../support/tcp-proxy.ts')

/** Seconds after which a call of a store gives up, here: a server that stands still for longer is an error. */
export const TIMEOUT = 2
/** What is in the text of every session here. */
const SAVE = '"updates"'
/** Milliseconds. */
const PATIENCE = 2000
const SHORT_STOP = 600
const LONG_STOP = 3000

/** What can happen to a server, and to the connections of the processes that come by way of the proxy. */
export async function faultsOf ({ kill, start, stop, resume }, port, teardown) {
  const proxy = await TcpProxy.start(port)
  teardown(() => proxy.stop())
  const stand = milliseconds => async () => {
    await stop()
    await wait(milliseconds)
    await resume()
  }
  const faults = {
    async 'server killed' () {
      await kill()
      await wait(Math.random() * 500)
      await start()
    },
    'server stopped for a moment': stand(SHORT_STOP),
    'server stopped for longer than the timeout': stand(LONG_STOP),
    'connections cut' () { proxy.cut() },
    // The server has saved, and no process hears of it.
    async 'connection cut before the answer to a save' () { await Promise.race([proxy.cutAt(SAVE, 'after'), wait(PATIENCE)]) },
    async 'connection cut within a save' () { await Promise.race([proxy.cutAt(SAVE, 'before'), wait(PATIENCE)]) }
  }
  return { proxy, faults }
}
