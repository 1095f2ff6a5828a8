import { createRequire } from 'node:module'
import { setTimeout as wait } from 'node:timers/promises'

/** The helpers of the tests are TypeScript. */
export const load = createRequire(import.meta.url)
load('../../support/typescript-loader.cjs')
const { TcpProxy } = load('../../support/tcp-proxy.ts')

/** Seconds after which a call of a store gives up, here: a server that stands still for longer is an error. */
export const TIMEOUT = 2
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
    // The server has done what it was told; nobody hears of it.
    'connections cut before an answer' () {
      proxy.onAnswer = () => {
        proxy.onAnswer = () => true
        proxy.cut()
        return false
      }
    },
    'connections cut within a request' () {
      proxy.onRequest = () => {
        proxy.onRequest = () => true
        proxy.cut()
        return false
      }
    }
  }
  return { proxy, faults }
}
