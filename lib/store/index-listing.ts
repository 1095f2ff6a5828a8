import type { AboutText } from './index-about'
import { batches, type IndexEnding } from './index-ending'
import type { IndexEntry } from './index-entry'
import type { IndexLists } from './index-lists'
import type { FoundSession } from './session-finder'
import type { StoredSession } from './session-record'

/**
 * An entry is looked at so often until its session is found: the first look may have come before the session was
 * stored, and the look at the one that it takes the place of after that was gone.
 */
const LOOKS = 2

/** Lists the live sessions of a value. */
export class IndexListing {
  readonly #lists: IndexLists
  readonly #ending: IndexEnding
  readonly #about: AboutText
  readonly #now: () => number

  constructor (lists: IndexLists, ending: IndexEnding, about: AboutText, now: () => number) {
    this.#lists = lists
    this.#ending = ending
    this.#about = about
    this.#now = now
  }

  /** `labels`: those of the value, the newest first. @see SessionIndex.sessionsOf @throws {SessionError} */
  async * sessions (labels: readonly string[]): AsyncGenerator<FoundSession, void> {
    const logins = new Set<string>()
    const looks = new Map<string, number>()
    // A session that moved during a pass, or got another label, may have entered a list after that was read.
    for (let hasMissed = true, passes = 0; hasMissed || passes < leastPasses(labels); passes++) {
      hasMissed = false
      // The oldest first: a session that gets the newest label meanwhile is in its list before it leaves the other.
      for (const label of labels.toReversed()) {
        const all = await this.#lists.read(label)
        // A process that marked entries may have died before it could end the sessions.
        await this.#ending.finish(label, all, 'revoked', labels)
        const entries = all.filter(entry => !entry.isEnded && (looks.get(lookOf(label, entry)) ?? 0) < LOOKS)
        for (const batch of batches(entries)) {
          const sessions = await Promise.all(batch.map(entry => this.#ending.sessionOf(labels, entry)))
          for (const [at, entry] of batch.entries()) {
            const session = sessions[at] ?? null
            const look = lookOf(label, entry)
            looks.set(look, session === null ? (looks.get(look) ?? 0) + 1 : LOOKS)
            hasMissed ||= session === null
            if (session === null || logins.has(entry.login)) continue
            logins.add(entry.login)
            yield this.#found(entry, session)
          }
        }
      }
    }
  }

  #found ({ handle, about }: IndexEntry, { createdAt, lastAccess, idleLeft }: StoredSession): FoundSession {
    return {
      handle,
      createdAt,
      // The clock of a disk may be a little behind.
      lastUsed: lastAccess === undefined ? undefined : Math.max(Math.round(lastAccess), createdAt ?? 0),
      expiresAt: idleLeft === undefined ? undefined : Math.round(this.#now() + idleLeft),
      about: this.#about.open(about)
    }
  }
}

/** A session that changes its label while the lists are read one after the other is in one of them by the second time. */
export function leastPasses (labels: readonly string[]): number {
  return labels.length > 1 ? 2 : 1
}

function lookOf (label: string, { handle, login }: IndexEntry): string {
  return `${label} ${handle} ${login}`
}
