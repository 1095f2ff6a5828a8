import type { StoredSession } from '../store/session-store'
import { merge } from './merge'
import { pick, type PlainObject } from './plain-object'
import { fill } from './session'
import type { SessionCopy } from './session-copy'
import type { PlainRecord } from './opened-session'

/**
 * Gives the copy's session a new id, and only the data named. Returns the name of the session that
 * ended by it; null when there was none to end.
 *
 * @see Session.regenerate
 */
export async function regenerateSession (copy: SessionCopy, keepKeys: readonly string[]): Promise<string | null> {
  const { life } = copy
  if (copy.stored !== null) copy.checkReach()
  const before = copy.session.data()
  const kept = pick(before, keepKeys)
  // At once: data that are set while this goes on belong to the new session.
  fill(copy.session, kept)
  if (copy.stored === null) return null
  try {
    return await move(copy, copy.stored, before, keepKeys)
  } catch (error) {
    if (life === copy.life) fill(copy.session, merge(kept, before, copy.session.data()))
    throw error
  }
}

async function move (copy: SessionCopy, base: StoredSession, before: PlainObject, keepKeys: readonly string[]): Promise<string | null> {
  const { committer, text } = copy.shared
  const { life, key } = copy
  const first = text.encode(pick(before, keepKeys))
  let kept = first
  let createdAt: number | undefined
  const keep = (newest: StoredSession): PlainRecord | null => {
    createdAt = newest.createdAt
    if (newest.version !== base.version) {
      const mine = text.decode(text.encode(before))
      kept = text.encode(pick(merge(text.decode(base.text), text.decode(newest.text), mine), keepKeys))
    }
    return text.isSame(kept, text.empty) ? null : { ...copy.recordOn(newest, kept), createdAt }
  }
  const moved = await committer.move(key, base, keep)
  if (moved === null) {
    copy.close(life)
    return null
  }
  const { to } = moved
  if (life !== copy.life) {
    // The app called `delete()` meanwhile.
    if (to !== null) copy.leave(to, to.stored)
    return key.name
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
  if (!copy.mergeIn(first, kept)) fill(copy.session, text.decode(kept))
  return key.name
}
