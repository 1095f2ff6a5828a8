import type { Test } from 'tap'
import type { SessionKey } from '../../lib/session/opened-session'
import { decodeList } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { sessionHandle } from '../../lib/store/session-id'
import type { Mutant, Process } from './indexed-process'
import { IndexedWorld, USER, type WorldOptions } from './indexed-world'
import { explore, type Explored } from './interleavings'

/** What a process of an indexed world does. `keys`: those of the sessions that were there before. */
export type Run = WorldOptions['processes'][number]

export const loggedIn = async (process: Process): Promise<SessionKey[]> => [await process.login(USER) as SessionKey]
export const loggedInTwice = async (process: Process): Promise<SessionKey[]> => [...await loggedIn(process), ...await loggedIn(process)]
export const loggedInBefore = async (process: Process): Promise<SessionKey[]> => [await process.visit(), ...await loggedIn(process)]
export const visited = async (process: Process): Promise<SessionKey[]> => [await process.visit()]

export const login: Run = process => process.login(USER)
export const move: Run = (process, [key]) => process.move(key as SessionKey)
/** A login that calls for a new id, as a form of a visitor does. */
export const logInByMove: Run = (process, [key]) => process.move(key as SessionKey, true, USER)
export const renew: Run = (process, [key]) => process.renew(key as SessionKey)
export const save: Run = (process, [key]) => process.become(key as SessionKey, USER)
/** A save that leaves the user alone. */
export const change: Run = (process, [key]) => process.become(key as SessionKey, USER, 1)
/** A save of a visitor that has not logged in. */
export const visit: Run = (process, [key]) => process.become(key as SessionKey, undefined, 1)
export const switchUser: Run = (process, [key]) => process.become(key as SessionKey, 7)
export const switchAgain: Run = (process, [key]) => process.become(key as SessionKey, 8)
export const logOut: Run = (process, [key]) => process.destroy(key as SessionKey)
export const revoke: Run = (process, [key]) => process.revoke(key as SessionKey)
export const revokeAll: Run = process => process.revokeAll(USER)
/** Ends all sessions of the user but this one. A visitor whose handle had left the list before the call logs in again. */
export const endOthers: Run = async (process, [key]) => {
  const handle = sessionHandle((key as SessionKey).name)
  await process.index.revokeAll('user', USER, { except: handle })
  const first = process.world.shared.log.find(line => line.startsWith(`${process.number} lists read`))
  if (process.world.mayMove && first?.includes(handle) === false) await process.login(USER)
}
export const list: Run = process => process.list(USER)
export const sweep: Run = process => process.sweep()
export const wait: Run = process => process.wait(11)

/**
 * A session that looks for its entry ends what is marked beside it. Without that the login alone tells which
 * sessions are ended.
 */
export const looksForItsOwnEntry: Mutant = ({ index, store }) => {
  index.entering.confirm = async (name, [place]) => {
    const list = await store.companion().records.read(listName(place?.label ?? ''))
    return list !== null && decodeList(list.text).entries.some(entry => entry.handle === sessionHandle(name) && !entry.isEnded)
  }
}

/** A session that gets another label leaves the list of the former one at once. */
export const leavesFormerListAtOnce: Mutant = ({ index: { entering } }) => {
  const confirm = entering.confirm.bind(entering)
  entering.confirm = async (name, places, since) => {
    const isConfirmed = await confirm(name, places, since)
    for (const { login, former } of places) if (former !== undefined) await entering.leave(name, [{ label: former, login }])
    return isConfirmed
  }
}

export interface Game extends WorldOptions {
  crashes?: number
  /** How often a process is interrupted where it could have gone on. @default any number */
  preemptions?: number
}

export async function play ({ crashes = 0, preemptions = Infinity, ...options }: Game): Promise<Explored> {
  return await explore(() => new IndexedWorld(options), { crashes, mayCrash: options.processes.map((_, at) => at), preemptions })
}

/** A test for each game, which must come to more than so many states. */
export function playAll (t: Test, games: Readonly<Record<string, Game>>, least = 10): void {
  for (const [name, game] of Object.entries(games)) {
    t.test(name, async t => {
      const { states, runs } = await play(game)
      t.ok(states > least, `${states} states, ${runs} runs`)
      t.comment(`${states} states, ${runs} runs`)
    })
  }
}
