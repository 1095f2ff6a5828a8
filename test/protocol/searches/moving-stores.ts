import { explore, type Explored } from '../../support/interleavings'
import { logout, movingWorld, regenerate, save, saveInOldStore, visit, type Program } from '../../support/moving-world'

/** How far a search goes. `preemptions`: how often a process is interrupted where it could have gone on; left out: any number. */
interface Reach { mayCrash?: number[], preemptions?: number }

interface Move {
  programs: Program[]
  /** Of the processes so many may be told that they have ended the session. */
  most?: number
  test?: Reach
  long?: Reach
}

const BOTH = { mayCrash: [0, 1] }
const SHORT = { ...BOTH, preemptions: 2 }

/** Processes while a session moves between two stores. With three they are minutes of searching. */
export const moves: Record<string, Move> = {
  'two requests move the session at once': { programs: [visit, visit], test: BOTH },
  'two requests save at once': { programs: [save('a'), save('b')], test: SHORT, long: BOTH },
  'a save and a logout': { programs: [save('a'), logout], test: SHORT, long: BOTH },
  'a save and a regenerate': { programs: [save('a'), regenerate], test: SHORT, long: BOTH },
  'two logouts': { programs: [logout, logout], test: BOTH },
  'two regenerates': { programs: [regenerate, regenerate], test: SHORT, long: BOTH },
  'two requests move it and a third logs out': { programs: [visit, visit, logout], long: BOTH },
  'a move, a save and a logout': { programs: [visit, save('a'), logout], long: { mayCrash: [0] } },
  'a move, a save and a regenerate': { programs: [visit, save('a'), regenerate], long: {} },
  // A reservation that comes too late is no session, but `remove` without a version cannot tell.
  'a move, a logout and a regenerate': { programs: [visit, logout, regenerate], most: 2, long: {} },
  'a move, a save, and a save by a process that knows the old store alone': { programs: [visit, save('a'), saveInOldStore('b')], long: { mayCrash: [0] } }
}

export async function search ({ programs, most = 1 }: Move, { mayCrash = [], ...reach }: Reach): Promise<Explored> {
  return await explore(movingWorld(programs, most), { crashes: mayCrash.length > 0 ? 1 : 0, mayCrash, ...reach })
}
