/** Starts contenders so that their figures can be compared: each as it is in an app that has run for a while. */
import { startServer } from './processes.mjs'
import { visit } from './visitor.mjs'

/** Answered before the garbage is collected: enough for the functions to be known, too few for them to be compiled. */
const FIRST_REQUESTS = 10
/**
 * After 8 s without work Node collects all garbage, and with it what it has compiled: then the first thousand requests
 * cost up to eight times as much. Who waits for its turn is not idle by its own choice.
 */
const NO_IDLE_TIME = ['--no-memory-reducer']

/**
 * `places` are the directories by kind, `ports` those of the servers; `nodeOptions` and `wrap` as for `startServer`.
 *
 * An app of some size has had a full garbage collection before it is warm. If that finds no object of `process.nextTick` alive, each
 * later call takes ten times as long, 0.5 µs, and a request has some ten. A contender that is too small to have had one shall not gain by that.
 */
export async function startComparable (contender, { places, ports, nodeOptions = [], wrap }) {
  const server = await startServer(contender, {
    place: places[contender.place]?.path, ports, nodeOptions: [...NO_IDLE_TIME, ...nodeOptions], wrap
  })
  for (let request = 0; request < FIRST_REQUESTS; request++) await visit(server.port, '/anonymous')
  await server.ask('collect')
  return server
}
