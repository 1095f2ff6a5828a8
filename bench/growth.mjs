/**
 * `npm run bench:growth`: nothing grows. After a bounded number of requests of every kind, memory,
 * descriptors and files are where they were. Ends with an error otherwise.
 */
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { contenders } from './contenders.mjs'
import { DEFAULT_DISK, makePlace } from './places.mjs'
import { startServer } from './processes.mjs'
import { visit } from './visitor.mjs'

const { values: options } = parseArgs({
  options: {
    requests: { type: 'string', default: '300000' },
    contender: { type: 'string', default: 'ours-disk' },
    dir: { type: 'string', default: DEFAULT_DISK }
  }
})

const VISITORS = 32
const ROUNDS = 10
const MIB = 1024 * 1024
/** A leak of 8 bytes with every request is more than this. */
const MOST_HEAP = 2 * MIB
/** Pages that the allocator keeps come and go. */
const MOST_RSS = 32 * MIB

const contender = contenders.find(({ name }) => name === options.contender)
const place = makePlace(options.dir)
const server = await startServer(contender, { place: place.path })
const hot = (await visit(server.port, '/login')).cookie
const cookies = []
while (cookies.length < VISITORS) cookies.push((await visit(server.port, '/login')).cookie)

console.log('| requests | heap, MiB | rss, MiB | descriptors | files |\n| ---: | ---: | ---: | ---: | ---: |')
const requestsEach = Math.ceil(Number(options.requests) / ROUNDS)
let requests = await go(requestsEach)
// The first round is for everything to find its size: code, caches, connections.
const first = await report()
let last = first
for (let round = 1; round < ROUNDS; round++) {
  requests += await go(requestsEach)
  last = await report()
}
await server.stop()

const grown = [
  last.heap - first.heap > MOST_HEAP ? `the heap by ${((last.heap - first.heap) / MIB).toFixed(1)} MiB` : null,
  last.rss - first.rss > MOST_RSS ? `the process by ${((last.rss - first.rss) / MIB).toFixed(1)} MiB` : null,
  last.descriptors > first.descriptors ? `open descriptors by ${last.descriptors - first.descriptors}` : null,
  last.files !== VISITORS + 1 ? `files to ${last.files}, with ${VISITORS + 1} sessions` : null
].filter(what => what !== null)
console.log(grown.length === 0 ? '\nNothing has grown.' : `\nGrown: ${grown.join(', ')}`)
process.exit(grown.length === 0 ? 0 : 1)

/** About so many requests; answers how many. Every visitor who logs in here logs out again. */
async function go (requests) {
  const steps = [
    cookie => visit(server.port, '/read', cookie),
    cookie => visit(server.port, '/write', cookie),
    () => visit(server.port, '/anonymous'),
    () => visit(server.port, '/read', 'sid=names-no-session'),
    () => visit(server.port, '/write', hot),
    () => visit(server.port, '/update', hot),
    () => visit(server.port, '/login'),
    (_cookie, visitor) => visit(server.port, '/write', visitor),
    (_cookie, visitor) => visit(server.port, '/logout', visitor)
  ]
  const turns = Math.ceil(requests / VISITORS / steps.length)
  await Promise.all(cookies.map(async cookie => {
    for (let turn = 0; turn < turns; turn++) {
      let visitor
      for (const step of steps) {
        const answer = await step(cookie, visitor)
        if (answer.status !== 200) throw new Error(`a request is answered ${answer.status}: ${JSON.stringify(answer.body)}`)
        visitor = answer.cookie ?? visitor
      }
    }
  }))
  return turns * VISITORS * steps.length
}

async function report () {
  const { heapUsed: heap, rss } = await server.ask('memory')
  const descriptors = readdirSync(`/proc/${server.pid}/fd`).length
  const files = readdirSync(server.dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() || /\.(?:lock|tmp)$/.test(entry.name)).length
  console.log(`| ${requests.toLocaleString('en-US')} | ${(heap / MIB).toFixed(1)} | ${(rss / MIB).toFixed(1)} | ${descriptors} | ${files} |`)
  return { heap, rss, descriptors, files }
}
