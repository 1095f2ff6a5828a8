import type { SessionKey } from '../../../lib/session/opened-session'
import { IndexedWorld, type Process, type WorldOptions } from '../../support/indexed-world'
import { explore, type Explored } from '../../support/interleavings'

export const USER = 42
export type Run = WorldOptions['processes'][number]

export const loggedIn = async (process: Process): Promise<SessionKey[]> => [await process.login(USER) as SessionKey]
const visited = async (process: Process): Promise<SessionKey[]> => [await process.visit()]
export const login: Run = process => process.login(USER)
export const move: Run = (process, [key]) => process.move(key as SessionKey)
const switchUser: Run = (process, [key]) => process.become(key as SessionKey, 7)
const logOut: Run = (process, [key]) => process.destroy(key as SessionKey)
const save: Run = (process, [key]) => process.become(key as SessionKey, USER)
const change: Run = (process, [key]) => process.become(key as SessionKey, USER, 1)
export const revokeAll: Run = process => process.revokeAll(USER)
const revoke: Run = (process, [key]) => process.revoke(key as SessionKey, USER)
export const sweep: Run = process => process.sweep()
export const wait: Run = process => process.wait(11)

/** How far a search goes. `preemptions`: how often a process is interrupted where it could have gone on; left out: any number. */
interface Reach { crashes?: number, preemptions?: number }

interface Game { options: WorldOptions, test?: Reach, long: Reach }

const short = { crashes: 1, preemptions: 1 }
const all = { crashes: 1 }

/** A short search of each game is for `npm test`. */
export const games: Record<string, Game> = {
  'a login and revokeAll': { options: { before: loggedIn, processes: [login, revokeAll] }, test: short, long: all },
  'a move and revokeAll': { options: { before: loggedIn, processes: [move, revokeAll] }, test: short, long: all },
  'a login by a save, and revokeAll': { options: { before: visited, processes: [save, revokeAll] }, test: short, long: all },
  'a save after the secret of the server changed, and revokeAll': { options: { isRotated: true, before: loggedIn, processes: [change, revokeAll] }, test: short, long: all },
  'a switch of the user and revokeAll': { options: { before: loggedIn, processes: [switchUser, revokeAll] }, test: short, long: all },
  'a logout and a move': { options: { before: loggedIn, processes: [logOut, move] }, test: short, long: all },
  'a logout and revokeAll': { options: { before: loggedIn, processes: [logOut, revokeAll] }, test: short, long: all },
  'a save and a switch of the user': { options: { before: loggedIn, processes: [save, switchUser] }, test: short, long: all },
  'revokeAll, twice': { options: { before: loggedIn, processes: [revokeAll, revokeAll] }, test: short, long: all },
  'logins beyond the limit': { options: { limit: 1, before: loggedIn, processes: [login, login] }, test: short, long: all },
  'a login beyond the limit and a move': { options: { limit: 1, before: loggedIn, processes: [login, move] }, test: short, long: all },
  'a login that is held up, and a sweep': { options: { isSlow: true, processes: [login, wait, sweep] }, test: short, long: all },
  'a move that is held up, and a sweep': { options: { isSlow: true, before: loggedIn, processes: [move, wait, sweep] }, test: { preemptions: 1 }, long: {} },
  'a move after the secret of the server changed, and revokeAll': { options: { isRotated: true, before: loggedIn, processes: [move, revokeAll] }, long: all },
  'a move and a revoke by the handle': { options: { before: loggedIn, processes: [move, revoke] }, long: all },
  'two moves beside revokeAll': { options: { before: loggedIn, processes: [move, move, revokeAll] }, long: { preemptions: 2 } },
  'a login, a switch of the user and revokeAll': { options: { before: loggedIn, processes: [login, switchUser, revokeAll] }, long: { preemptions: 2 } },
  'a limit with two logins beside revokeAll': { options: { limit: 1, before: loggedIn, processes: [login, login, revokeAll] }, long: { preemptions: 1 } }
}

export async function search (options: WorldOptions, { crashes = 0, preemptions = Infinity }: Reach = {}): Promise<Explored> {
  return await explore(() => new IndexedWorld(options), { crashes, preemptions, mayCrash: options.processes.map((_, at) => at) })
}
