import { moveSession } from '../../lib/session/move'
import { SessionRecords } from '../../lib/session/session-records'
import type { FileView } from '../../lib/store/files/file-view'
import { SessionFile } from '../../lib/store/files/session-file'
import { nameOf } from './model-paths'
import { realStore, type StoreMaker } from './model-store'
import type { Local, ModelDisk, Program } from './process'
import { applied, checkText, isRefusal, LIMITS, NOTHING, PATH } from './scenario'

/** Acknowledged beside the letters of updates: this process ended the session, it made one, its request failed. */
export const ENDED = '!'
export const MADE = '+'
export const REFUSED = '?'

const SESSION = nameOf('s')
/** More turns than conflicts that the others can cause. */
const MOST_TURNS = 24

/** Reads the session and ends it at the version that it read; again if another was first. */
export function remover (name: string, make: StoreMaker = realStore): Program {
  return actor(name, 'remover', async (disk, local) => {
    const store = make(disk, name)
    const stored = await store.read(SESSION)
    if (stored === null) return { ...local, ended: true }
    const removal = await store.remove(SESSION, stored.version)
    return removal === 'conflict' ? { ...local, turn: local.turn + 1 } : ended(local, removal === 'removed' ? ENDED : '')
  })
}

/** Ends the session, whatever it is at. */
export function destroyer (name: string, make: StoreMaker = realStore): Program {
  return actor(name, 'destroyer', async (disk, local) => {
    const removal = await make(disk, name).remove(SESSION)
    return ended(local, removal === 'removed' ? ENDED : '')
  })
}

/** Moves the session, with all that is in it, to a new id. */
export function regenerator (name: string, make: StoreMaker = realStore): Program {
  return actor(name, 'regenerator', async (disk, local) => {
    const store = make(disk, name)
    const from = { sesid: '', name: SESSION }
    const move = await moveSession(new SessionRecords(store, store.cipher), from, null, ({ text, idleTimeout, createdAt }) => {
      checkText(text, '')
      return { text, idleTimeout, createdAt }
    })
    return ended(local, move === null ? '' : ENDED)
  })
}

/** Makes a session under the given id, with its update in it. */
export function creator (name: string, update: string, make: StoreMaker = realStore): Program {
  const program = actor(name, 'creator', async (disk, local) => {
    const { result } = await make(disk, name).create(SESSION, { text: applied(NOTHING, update) })
    return ended(local, result === 'created' ? MADE : '')
  })
  return { ...program, update }
}

/** A sweep: judges what it sees, is then slow, and removes it if it may. `isOver`: by which rule. */
export function sweeper (name: string, isOver: (view: FileView) => boolean = hasEnded): Program {
  return actor(name, 'sweeper', async (disk, local) => {
    const file = new SessionFile(PATH, disk, false, { limits: LIMITS })
    const view = await file.read()
    if (view !== null && isOver(view)) await file.removeJudged(view)
    return ended(local, '')
  })
}

/** Ends the earlier session at its version, known from long ago. */
export function lateRemover (name: string, version: string): Program {
  return actor(name, 'late remover', async (disk, local) => {
    await new SessionFile(PATH, disk, false, { limits: LIMITS }).end(version)
    return ended(local, '')
  })
}

/** Reads the session twice; none is there any more once a process was told that it ended it. */
export function storeReader (name: string): Program {
  return actor(name, 'reader', async (disk, local) => {
    const before = await disk.acknowledged()
    const stored = await realStore(disk, name).read(SESSION)
    if (stored !== null) {
      if (before.includes(ENDED)) throw new Error('read a session that has ended')
      checkText(stored.text, before)
    }
    return { ...local, turn: local.turn + 1, ended: local.turn === 1 }
  })
}

function actor (name: string, role: string, step: (disk: ModelDisk, local: Local) => Promise<Local>): Program {
  return {
    name,
    role,
    start: { turn: 0, ended: false, acknowledged: '' },
    async step (disk, local) {
      if (local.turn > MOST_TURNS) throw new Error('never gets done')
      try {
        return await step(disk, local)
      } catch (error) {
        if (isRefusal(error)) return ended(local, REFUSED)
        throw error
      }
    }
  }
}

function ended (local: Local, told: string): Local {
  return { ...local, ended: true, acknowledged: local.acknowledged + told }
}

function hasEnded ({ tip }: FileView): boolean {
  return tip !== null && (tip.ended || tip.createdAt === 0)
}
