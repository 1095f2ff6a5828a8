import t from 'tap'
import { headerOf, type SessionKey } from '../../lib/session/opened-session'
import { decodeList } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { sessionHandle } from '../../lib/store/session-id'
import { SessionIndex } from '../../lib/store/session-index'
import { IndexedWorld, type Mutant, type Process, type WorldOptions } from '../support/indexed-world'
import { explore, type Explored } from '../support/interleavings'

const USER = 42
type Run = WorldOptions['processes'][number]

const loggedIn = async (process: Process): Promise<SessionKey[]> => [await process.login(USER) as SessionKey]
const visited = async (process: Process): Promise<SessionKey[]> => [await process.visit()]
const login: Run = process => process.login(USER)
const move: Run = (process, [key]) => process.move(key as SessionKey)
const switchUser: Run = (process, [key]) => process.become(key as SessionKey, 7)
const logOut: Run = (process, [key]) => process.destroy(key as SessionKey)
const save: Run = (process, [key]) => process.become(key as SessionKey, USER)
const change: Run = (process, [key]) => process.become(key as SessionKey, USER, 1)
const revokeAll: Run = process => process.revokeAll(USER)
const sweep: Run = process => process.sweep()
const wait: Run = process => process.wait(11)

async function search (options: WorldOptions, crashes = 0): Promise<Explored> {
  return await explore(() => new IndexedWorld(options), { crashes, mayCrash: options.processes.map((_, at) => at) })
}

const GAMES: Record<string, { options: WorldOptions, crashes?: number }> = {
  'a login and revokeAll': { options: { before: loggedIn, processes: [login, revokeAll] }, crashes: 1 },
  'a move and revokeAll': { options: { before: loggedIn, processes: [move, revokeAll] }, crashes: 1 },
  'a login by a save, and revokeAll': { options: { before: visited, processes: [save, revokeAll] }, crashes: 1 },
  'a save after the secret of the server changed, and revokeAll': { options: { isRotated: true, before: loggedIn, processes: [change, revokeAll] }, crashes: 1 },
  'a switch of the user and revokeAll': { options: { before: loggedIn, processes: [switchUser, revokeAll] }, crashes: 1 },
  'a logout and a move': { options: { before: loggedIn, processes: [logOut, move] }, crashes: 1 },
  'a logout and revokeAll': { options: { before: loggedIn, processes: [logOut, revokeAll] }, crashes: 1 },
  'a save and a switch of the user': { options: { before: loggedIn, processes: [save, switchUser] }, crashes: 1 },
  'revokeAll, twice': { options: { before: loggedIn, processes: [revokeAll, revokeAll] }, crashes: 1 },
  'logins beyond the limit': { options: { limit: 1, before: loggedIn, processes: [login, login] }, crashes: 1 },
  'a login beyond the limit and a move': { options: { limit: 1, before: loggedIn, processes: [login, move] }, crashes: 1 },
  'a login that is held up, and a sweep': { options: { isSlow: true, processes: [login, wait, sweep] }, crashes: 1 },
  'a move that is held up, and a sweep': { options: { isSlow: true, before: loggedIn, processes: [move, wait, sweep] } }
}

for (const [name, { options, crashes }] of Object.entries(GAMES)) {
  t.test(name, async t => {
    const { states, runs } = await search(options, crashes)
    t.ok(states > 10, `${states} states, ${runs} runs`)
    t.comment(`${states} states, ${runs} runs`)
  })
}

t.test('the search finds an entry that is written after the session', async t => {
  const mutant: Mutant = ({ index: { entering } }) => {
    const enter = entering.enter.bind(entering)
    entering.enter = async () => true
    entering.confirm = async (name, places) => await enter(name, places, undefined, undefined)
  }
  await t.rejects(search({ processes: [login], mutant }), /does not name it/)
})

t.test('an entry that is removed before the session', async t => {
  const early: Run = async (process, [key]) => {
    const known = await process.records.read(key as SessionKey)
    const { name } = key as SessionKey
    const [label] = process.index.labels.of('user', USER)
    const indexed = known === null ? {} : headerOf(known).indexed ?? {}
    await process.index.entering.leave(name, [{ label, login: indexed[label] ?? '' }])
    await process.destroy(key as SessionKey)
  }
  await t.rejects(search({ before: loggedIn, processes: [early] }), /does not name it/)
})

t.test('a session that does not look for its entry', async t => {
  const mutant: Mutant = ({ index: { entering } }) => { entering.confirm = async () => true }
  await t.rejects(search({ limit: 1, before: loggedIn, processes: [login, login], mutant }), /logins live/)
  await t.rejects(search({ isSlow: true, processes: [login, wait, sweep], mutant }), /does not name it/)
})

t.test('a move that takes no login along', async t => {
  const forgetful: Run = (process, [key]) => process.move(key as SessionKey, false)
  // A session that looks for its entry ends what is marked beside it: without that the login alone tells.
  const mutant: Mutant = ({ index, store }) => {
    index.entering.confirm = async (name, [place]) => {
      const list = await store.companion().records.read(listName(place?.label ?? ''))
      return list !== null && decodeList(list.text).entries.some(entry => entry.handle === sessionHandle(name) && !entry.isEnded)
    }
  }
  await t.rejects(search({ before: loggedIn, processes: [forgetful, revokeAll], mutant }), /lives after revokeAll/)
  await t.resolves(search({ before: loggedIn, processes: [move, revokeAll], mutant }))
})

t.test('revokeAll that marks nothing', async t => {
  const unmarked: Run = async process => {
    const before = process.world.answeredWith(USER)
    for await (const { handle } of process.index.sessionsOf('user', USER)) await process.index.revoke(handle)
    process.world.revoked(before, process.index.labels.of('user', USER))
  }
  await t.rejects(search({ before: loggedIn, processes: [move, unmarked] }), /lives after revokeAll/)
})

t.test('a sweep that does not mind how old an entry is', async t => {
  const hasty: Run = async process => {
    await new SessionIndex(process.store, () => process.world.shared.now + 3600_000, async () => {}).sweep()
  }
  await t.rejects(search({ processes: [login, hasty] }), /does not name it/)
})
