// Where the sessions are kept that are tortured: each module of `places` starts one, and opens stores on it.
//
//   start(options, teardown)   starts the servers; returns { settings, faults }: what the processes need to
//                              connect, and what can happen to the servers, by name
//   open(settings, index)      returns { store, close }, in any process; `index` is that of the process
import { SessionManager } from '../../dist/lib/session/session-manager.js'

export const PLACES = ['files', 'redis', 'postgres', 'sentinel', 'cluster', 'standby']
const JSON_CODEC = { encode: data => JSON.stringify(data), decode: text => JSON.parse(text) }

export async function placeOf (kind) {
  return await import(`./places/${kind}.mjs`)
}

/** Opens what requests go through, without the HTTP around it. */
export async function openManager (kind, settings, index, options = {}, indexes = null, renewal = null) {
  const { open } = await placeOf(kind)
  const secret = process.env.TORTURE_ENCRYPTION
  const encryption = secret === undefined ? false : { secrets: [secret] }
  const { store, close } = await open(settings, index, { encryption, ...options })
  await store.open()
  return {
    store,
    manager: new SessionManager(store, { codec: JSON_CODEC, rolling: false, indexes, renewal }),
    async close () {
      await store.close()
      await close()
    }
  }
}
