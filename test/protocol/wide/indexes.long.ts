import t from 'tap'
import type { SessionKey } from '../../../lib/session/opened-session'
import { IndexedWorld, type Process, type WorldOptions } from '../../support/indexed-world'
import { explore } from '../../support/interleavings'

const USER = 42
type Run = WorldOptions['processes'][number]

const loggedIn = async (process: Process): Promise<SessionKey[]> => [await process.login(USER) as SessionKey]
const login: Run = process => process.login(USER)
const move: Run = (process, [key]) => process.move(key as SessionKey)
const switchUser: Run = (process, [key]) => process.become(key as SessionKey, 7)
const revokeAll: Run = process => process.revokeAll(USER)
const revoke: Run = (process, [key]) => process.revoke(key as SessionKey, USER)

/** `mayCrash` names processes by number; `preemptions`: how often a process is interrupted where it could have gone on. */
const GAMES: Record<string, { options: WorldOptions, mayCrash?: number[], preemptions?: number }> = {
  'a move after the secret of the server changed, and revokeAll, a crash': { options: { isRotated: true, before: loggedIn, processes: [move, revokeAll] }, mayCrash: [0, 1] },
  'a move and a revoke by the handle, a crash': { options: { before: loggedIn, processes: [move, revoke] }, mayCrash: [0, 1] },
  'two moves beside revokeAll, two interruptions': { options: { before: loggedIn, processes: [move, move, revokeAll] }, preemptions: 2 },
  'a login, a switch of the user and revokeAll, two interruptions': { options: { before: loggedIn, processes: [login, switchUser, revokeAll] }, preemptions: 2 },
  'a limit with two logins beside revokeAll, one interruption': { options: { limit: 1, before: loggedIn, processes: [login, login, revokeAll] }, preemptions: 1 }
}

for (const [name, { options, mayCrash = [], preemptions = Infinity }] of Object.entries(GAMES)) {
  t.test(name, async t => {
    const { states, runs } = await explore(() => new IndexedWorld(options), { crashes: mayCrash.length > 0 ? 1 : 0, mayCrash, preemptions })
    t.ok(states > 100, `${states} states, ${runs} runs`)
    t.comment(`${states} states, ${runs} runs`)
  })
}
