/** What is asked of the contenders, and how it is made sure that they do it. */
import { CONNECTIONS } from './load.mjs'
import { visit } from './visitor.mjs'

const SESSIONS = 64

/**
 * `sessions`: how many are made before, and their cookies sent in turn. `fresh`: in a new process
 * each time, since every request leaves something behind. `counts`: every request adds one to a
 * counter; `exact`: and none may get lost.
 */
export const workloads = [
  { name: 'read', path: '/read', sessions: SESSIONS },
  { name: 'write', path: '/write', sessions: SESSIONS, counts: true },
  { name: 'anonymous', path: '/anonymous', sessions: 0 },
  { name: 'hot', path: '/write', sessions: 1, counts: true },
  { name: 'hot-update', path: '/update', sessions: 1, counts: true, exact: true, only: 'ours' },
  { name: 'read-10k', path: '/read', sessions: SESSIONS, size: 10_000 },
  { name: 'write-10k', path: '/write', sessions: SESSIONS, size: 10_000, counts: true },
  { name: 'read-100k', path: '/read', sessions: SESSIONS, size: 100_000 },
  { name: 'write-100k', path: '/write', sessions: SESSIONS, size: 100_000, counts: true },
  { name: 'login', path: '/login', sessions: 0, fresh: true },
  { name: 'renew', path: '/renew', sessions: 0, fresh: true }
]

/** Contenders that make a session and give it a new id with `session.save()` and `session.regenerate(keys)`, and no callback. */
const RENEWS = /^(?:ours|memory$|redis$|pg-simple$|file-store)/

/** Why a contender has no part in a workload; undefined if it has. */
export function unfit (contender, workload) {
  if (contender.keeps === null && workload.size !== undefined) return 'has no sessions'
  if (contender.keeps === 'cookie' && workload.size !== undefined) return 'a cookie holds 4 KB'
  if (workload.name === 'renew' && !RENEWS.test(contender.name)) return 'has another way to a new id'
  if (workload.only !== undefined && !contender.name.startsWith(workload.only)) return 'has no atomic update'
  return undefined
}

/**
 * Goes through a visitor's requests one by one. Throws when an answer is not what an app with
 * sessions gives: who does not do the work is not measured.
 */
export async function verify (contender, port) {
  const wrong = what => new Error(`${contender.name} does not do the work: ${what}`)
  const expect = (isRight, what) => { if (!isRight) throw wrong(what) }
  const get = async (path, cookie) => {
    const answer = await visit(port, path, cookie)
    expect(answer.status === 200, `${path} answers ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer
  }

  expect((await get('/anonymous')).cookie === undefined, 'an anonymous visitor gets a cookie')
  if (contender.keeps === null) {
    for (const path of ['/read', '/write', '/login']) await get(path)
    return
  }

  const { cookie: other } = await get('/login')
  let { cookie } = await get('/login')
  expect(cookie !== undefined && other !== undefined && cookie !== other, 'a login brings no cookie of its own')
  const cart = await get('/cart', cookie)
  expect(cart.body.name === 'Grace Hopper', 'what the login stored is not there')
  for (let n = 1; n <= 3; n++) {
    const written = await get('/write', cookie)
    cookie = written.cookie ?? cookie
    expect(written.body.n === n, `write number ${n} counts ${written.body.n}`)
    const read = await get('/read', cookie)
    expect(read.body.n === n, `after write number ${n}, ${read.body.n} is stored`)
    expect(read.cookie === undefined, 'a read renews the cookie')
  }
  expect((await get('/read', other)).body.n === 0, 'a session shows what was written to another')
  if (contender.keeps === 'cookie') return

  const { cookie: big } = await get('/login?size=100000')
  expect((await get('/cart', big)).body.bytes >= 100_000, 'a session of 100 KB is not stored')
  expect((await get('/write', big)).body.n === 1 && (await get('/cart', big)).body.bytes >= 100_000, 'a session of 100 KB is not kept')
  await get('/logout', big)
  // No session, no counter: JSON leaves it out.
  expect((await get('/read', big)).body.n === undefined, 'a session outlives its logout')
}

/** Makes the sessions of a workload, and answers their cookies. */
export async function prepare (contender, workload, port) {
  const cookies = []
  while (cookies.length < workload.sessions) {
    if (contender.keeps === null) {
      cookies.push(`sid=${'x'.repeat(31)}${String.fromCharCode(48 + cookies.length)}`)
      continue
    }
    const { status, cookie } = await visit(port, workload.size === undefined ? '/login' : `/login?size=${workload.size}`)
    if (status !== 200 || cookie === undefined) throw new Error(`${contender.name}: the login for ${workload.name} answers ${status}`)
    cookies.push(cookie)
  }
  return cookies
}

/** All that was counted in these sessions; null for who keeps no count on the server. */
export async function counted (contender, workload, port, cookies) {
  if (workload.counts !== true || contender.keeps !== 'server') return null
  let sum = 0
  for (const cookie of cookies) sum += (await visit(port, '/read', cookie)).body.n
  return sum
}

/**
 * Throws when the load met errors, or what it wrote is not there. Answers the share of updates that were kept.
 * `loads`: how many there were, the one before the measurement included.
 */
export function checkMeasured (contender, workload, { requests, failed, loads }, before, after) {
  const wrong = what => new Error(`${contender.name}, ${workload.name}: ${what}`)
  if (failed > 0) throw wrong(`${failed} of ${requests} requests failed`)
  if (requests === 0) throw wrong('no request was answered')
  if (after === null) return null
  const gained = after - before
  if (gained < 1) throw wrong('nothing of what was written is stored')
  // The last request of each connection may be counted without its answer being waited for, in each of the loads.
  if (gained > requests + loads * CONNECTIONS) throw wrong(`${gained} updates are stored of ${requests}`)
  if (workload.exact === true && gained < requests) throw wrong(`${requests - gained} of ${requests} updates are lost`)
  return Math.min(gained / requests, 1)
}
