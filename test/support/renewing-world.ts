import './small-caches'
import { createHash } from 'node:crypto'
import { endSession } from '../../lib/session/ending'
import { moveSession } from '../../lib/session/move'
import { renewSession } from '../../lib/session/renewal'
import type { SessionKey } from '../../lib/session/opened-session'
import { SessionRecords } from '../../lib/session/session-records'
import { isForwarding } from '../../lib/store/forwarding'
import type { StoredSession } from '../../lib/store/session-record'
import type { Actor, World } from './interleavings'
import { Facts, SharedStore } from './moving-world'

/**
 * Requests of several processes with the old id of a session that is renewed, in every order of their
 * calls to the store, with crashes between any two calls.
 */

const OLD = 'the session'
const GRACE_SECONDS = 10

export interface RenewingProcess { records: MutantRecords, store: SharedStore, facts: Facts, log: string[] }
export type RenewingProgram = (process: RenewingProcess) => Promise<void>

/** A rule of the design, broken. */
export type Mutant = 'none' | 'removes the old session' | 'forwards without comparing' | 'ends the old id only' | 'keeps what it made' | 'does not follow'

/** The records of a process, with a rule broken. */
class MutantRecords extends SessionRecords {
  constructor (readonly store: SharedStore, readonly mutant: Mutant) {
    super(store, store.cipher)
  }

  override async forward (key: SessionKey, base: StoredSession, to: SessionKey, grace: number): Promise<'replaced' | 'conflict' | 'gone'> {
    if (this.mutant === 'removes the old session') {
      const removal = await this.remove(key, base.version)
      return removal === 'removed' ? 'replaced' : removal
    }
    if (this.mutant === 'forwards without comparing') base = await this.read(key) ?? base
    return await super.forward(key, base, to, grace)
  }

  override async remove (key: SessionKey, version?: string, known?: StoredSession | null): Promise<'removed' | 'conflict' | 'gone'> {
    if (this.mutant === 'keeps what it made' && key.sesid !== OLD && version === undefined) return 'removed'
    return await super.remove(key, version, known)
  }

  override async movedTo (key: SessionKey): Promise<SessionKey | null> {
    return this.mutant === 'does not follow' ? null : await super.movedTo(key)
  }
}

/** Loads the session, as each request does first, and holds the answer to the promises. */
async function load ({ records, facts, log }: RenewingProcess): Promise<{ key: SessionKey, stored: StoredSession } | null> {
  const { hasEnded } = facts
  const saved = [...facts.saved]
  log.push(`load: ended ${hasEnded}, saved ${saved.join('')}`)
  const found = await records.find(records.keyOf(OLD))
  if (found === null) {
    if (!facts.mayEnd) throw new Error('a session that no request ended is gone')
    facts.hasEnded = true
    return null
  }
  if (hasEnded) throw new Error('a session that had ended is back')
  for (const mark of saved) {
    if (!found.stored.text.includes(mark)) throw new Error(`the save of ${mark} is lost`)
  }
  return found
}

export const request: RenewingProgram = async process => { await load(process) }

/** Loads the session and renews its id. */
export const renew: RenewingProgram = async process => {
  const found = await load(process)
  if (found === null || found.key.sesid !== OLD) return
  const to = await renewSession(process.records, found.key, found.stored, ({ text }) => ({ text }), GRACE_SECONDS)
  process.log.push(`renewed: ${to?.sesid ?? 'no'}`)
  if (to !== null) process.facts.removals++
}

/** Loads the session and saves it, perhaps long after; a session that has moved is followed. */
export function save (mark: string): RenewingProgram {
  return async process => {
    const { records, facts, log } = process
    const found = await load(process)
    if (found === null) return
    let { key } = found
    for (let stored: StoredSession | null = found.stored; ;) {
      if (stored === null) {
        const to = await records.movedTo(key)
        if (to === null) {
          if (!facts.mayEnd) throw new Error('a request under way takes a session for ended that no request ended')
          return
        }
        key = to
      } else {
        const { result } = await records.replace(key, { text: stored.text + mark }, stored)
        log.push(`saved: ${result}`)
        if (result === 'replaced') {
          facts.saved.push(mark)
          return
        }
      }
      stored = await records.read(key)
    }
  }
}

export const logout: RenewingProgram = async process => {
  const { records, facts, log } = process
  const found = await load(process)
  if (found === null) return
  facts.mayEnd = true
  if (records.mutant === 'ends the old id only') log.push(`logout: ${await records.remove(found.key)}`)
  else log.push(`logout: ${(await endSession(records, found.key, found.stored))?.sesid ?? 'gone'}`)
  facts.hasEnded = true
}

/** The app's own call for a new id: the old one never works again, nor does one that it had moved to. */
export const regenerate: RenewingProgram = async process => {
  const { records, facts, log } = process
  const found = await load(process)
  if (found === null) return
  facts.mayEnd = true
  let newest: StoredSession | null = found.stored
  for (let key: SessionKey | null = found.key; key !== null; newest = null) {
    const move = await moveSession(records, key, newest, ({ text }) => ({ text }))
    log.push(`regenerated: ${move !== null}`)
    if (move !== null) {
      for (const mark of facts.saved) {
        if (move.to?.stored.text.includes(mark) !== true) throw new Error(`the save of ${mark} is not in the new session`)
      }
      break
    }
    key = await records.movedTo(key)
  }
  facts.hasEnded = true
}

/** With `spares`, so many sessions may be left that no id leads to: those of crashed renewals. */
export function renewingWorld (programs: RenewingProgram[], mutant: Mutant = 'none', spares = 0): () => World {
  const stores = [...programs, null].map((_, index) => new SharedStore('store', index))
  return () => {
    const entries = new Map([[OLD, { text: 'text', version: 100 }]])
    const facts = new Facts()
    const logs: string[][] = programs.map(() => [])
    const processOf = (index: number, step: (label: string) => Promise<void>, log: string[]): RenewingProcess => {
      const store = stores[index] as SharedStore
      store.reset(entries, step, log)
      return { records: new MutantRecords(store, mutant), store, facts, log }
    }
    const actors: Actor[] = programs.map((program, index) => step => program(processOf(index, step, logs[index] as string[])))
    return {
      actors,
      state: () => renamed(JSON.stringify([[...entries].filter(([name]) => name !== '').sort(), facts, logs])),
      history: () => JSON.stringify(logs, null, 2),
      async check () {
        const process = processOf(programs.length, async () => {}, [])
        const found = await load(process)
        const live = [...entries].filter(([name, { text }]) => name !== '' && !isForwarding(text)).map(([name]) => name)
        const led = live.filter(name => name !== found?.key.sesid)
        // A regenerated session lives under an id that no program here uses again.
        const most = spares + (logs.flat().some(line => line.startsWith('regenerated: true')) ? 1 : 0)
        if (led.length > most) throw new Error(`sessions are left behind: ${led.join(', ')}`)
        if (facts.removals > 1) throw new Error('two renewals have won')
      }
    }
  }
}

/** Names versions and nonces by the order in which they appear: only which of them are the same makes a difference. */
function renamed (text: string): string {
  const names: string[] = []
  const renamedText = text.replace(/((?:\\*"version\\*":\\*"?|\$ffs>1\$[0-9a-f]+\$))([\w-]+)/g, (_, before: string, name: string) => {
    if (!names.includes(name)) names.push(name)
    return `${before}${names.indexOf(name)}`
  })
  return createHash('sha256').update(renamedText).digest('hex')
}
