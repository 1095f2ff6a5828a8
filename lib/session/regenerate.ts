import type { SessionStoreError } from '../errors'
import { noteUnsettled } from './unsettled'
import type { StoredSession } from '../store/session-record'
import { merge } from './merge'
import { pick, type PlainObject } from './plain-object'
import { propertiesOf } from './session'
import type { SessionCopy } from './session-copy'
import { headerOf, type PlainRecord } from './opened-session'

/** What a session with a new id is to be. */
export interface Regeneration {
  /** The names of the data that it keeps; null: all. */
  readonly keepKeys: readonly string[] | null
  /** When the visitor proved who he is, in milliseconds since 1970; `undefined`: the new session knows of no proof. */
  readonly freshAt: number | undefined
}

/** What became of the session that there was. */
interface Ended {
  /** The name of the session that ended; null when there was none to end. */
  readonly ended: string | null
  /** The store's error, when that session has ended, and too few replicas know. */
  readonly unconfirmed?: SessionStoreError | undefined
}

/**
 * Gives the copy's session a new id, and only the data named.
 *
 * @see Session.regenerate
 */
export async function regenerateSession (copy: SessionCopy, regeneration: Regeneration): Promise<Ended> {
  const { life, headerChange } = copy
  if (copy.stored !== null) copy.checkReach()
  const before = copy.session.data()
  const kept = keptOf(before, regeneration)
  // At once: data that are set while this goes on belong to the new session.
  propertiesOf(copy.session).fill(kept)
  copy.headerChange = { ...headerChange, freshAt: regeneration.freshAt }
  if (copy.stored === null) return { ended: null }
  try {
    return await move(copy, copy.stored, before, regeneration)
  } catch (error) {
    if (life === copy.life) {
      propertiesOf(copy.session).fill(merge(kept, before, copy.session.data()))
      copy.headerChange = headerChange
    }
    throw error
  }
}

function keptOf (data: PlainObject, { keepKeys }: Regeneration): PlainObject {
  return keepKeys === null ? data : pick(data, keepKeys)
}

async function move (copy: SessionCopy, base: StoredSession, before: PlainObject, regeneration: Regeneration): Promise<Ended> {
  const { committer, text } = copy.shared
  const { life, key } = copy
  const first = text.encode(keptOf(before, regeneration))
  let kept = first
  let createdAt: number | undefined
  const keep = (newest: StoredSession): PlainRecord | null => {
    createdAt = newest.createdAt
    if (newest.version !== base.version) {
      const mine = text.decode(text.encode(before))
      kept = text.encode(keptOf(merge(text.decode(base.text), text.decode(newest.text), mine), regeneration))
    }
    if (text.isSame(kept, text.empty)) return null
    return { ...copy.recordOn(newest, kept), createdAt, header: copy.headerAt(copy.headerOn(headerOf(newest))) }
  }
  const cause = regeneration.freshAt === undefined ? 'regenerate' : 'authenticated'
  const moved = await committer.move(key, base, keep, cause)
  if (moved === null) {
    if (await copy.follow(life)) return await move(copy, base, before, regeneration)
    copy.close(life)
    return { ended: null }
  }
  const { to } = moved
  noteUnsettled(copy, cause, to)
  if (life !== copy.life) {
    // The app called `delete()` meanwhile.
    if (to !== null) copy.leave(to, to.stored)
    return { ended: key.name }
  }
  const { idleTimeout, headerChange } = copy
  copy.forget()
  copy.idleTimeout = idleTimeout
  copy.headerChange = headerChange
  if (to !== null) {
    copy.become(to)
  } else {
    copy.idleTimeout ??= base.idleTimeout
    copy.createdAt = createdAt
  }
  if (!copy.mergeIn(first, kept)) propertiesOf(copy.session).fill(text.decode(kept))
  return { ended: key.name, unconfirmed: moved.unconfirmed }
}
