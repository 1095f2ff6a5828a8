/** The load where there is no wrk, in a process of its own so that it can have its own core. */
import autocannon from 'autocannon'
import { readFileSync } from 'node:fs'

const { port, path, cookieFile, seconds, connections } = JSON.parse(process.argv[2])
const cookies = readFileSync(cookieFile, 'utf8').split('\n').filter(line => line !== '')
const requests = cookies.length === 0
  ? [{ method: 'GET', path }]
  : cookies.map(cookie => ({ method: 'GET', path, headers: { cookie } }))

let clients = 0
const result = await autocannon({
  url: `http://127.0.0.1:${port}`,
  connections,
  duration: seconds,
  timeout: 30,
  requests,
  setupClient: client => {
    // Each connection starts at a cookie of its own, or all would bring the same one at once.
    const first = Math.floor(clients++ * requests.length / connections) % requests.length
    client.setRequests([...requests.slice(first), ...requests.slice(0, first)])
  }
})

console.log('RESULT ' + JSON.stringify({
  requests: result['2xx'],
  seconds: result.duration,
  failed: result.errors + result.timeouts + result.non2xx,
  p50: result.latency.p50,
  p99: result.latency.p99
}))
