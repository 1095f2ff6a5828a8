import { merge } from './merge'
import type { SessionCopy } from './session-copy'

/** Stores the text of the copy's data and returns whether that was done; false when it takes time: call `saveSession`. */
export function saveNow (copy: SessionCopy, text: string): boolean {
  const { life, stored: base } = copy
  if (base === null) return false
  const stored = copy.shared.committer.replaceNow(copy.key, base, copy.recordOn(base, text))
  if (stored === undefined) return false
  copy.adopt(life, stored, text)
  return true
}

/** Stores the text, merged with what other requests stored since. @throws {SessionError} */
export async function saveSession (copy: SessionCopy, text: string): Promise<void> {
  const { committer, text: codec } = copy.shared
  const { life, stored: base } = copy
  if (base === null) return await saveNew(copy, text)
  const isStored = await committer.swap('replace', copy.key, base, newest => {
    if (life !== copy.life) return null
    if (newest.version === base.version) return copy.recordOn(newest, text)
    const merged = merge(codec.decode(base.text), codec.decode(newest.text), codec.decode(text))
    return copy.recordOn(newest, codec.encode(merged))
  }, stored => { copy.adopt(life, stored, text) })
  if (isStored) return
  if (await copy.follow(life)) return await saveSession(copy, text)
  copy.close(life)
}

async function saveNew (copy: SessionCopy, text: string): Promise<void> {
  const isDone = await copy.shared.committer.whenUnstored(copy, async () => {
    if (copy.stored !== null) return false
    await insertSession(copy, text)
    return true
  })
  if (isDone) return
  // An update stored the session first, and the data hold what it stored.
  const newer = copy.unsavedText()
  if (newer !== null) await saveSession(copy, newer)
}

/** Stores the text as a new session. @throws {SessionError} */
export async function insertSession (copy: SessionCopy, text: string): Promise<void> {
  const { shared: { committer, renewal }, life, idleTimeout, createdAt, about } = copy
  copy.checkReach()
  const isDated = createdAt !== undefined || renewal?.datesAll === true
  const header = isDated ? copy.headerAt(copy.headerChange) : copy.headerChange
  const created = await committer.create({ text, idleTimeout, createdAt, header, about })
  if (created === null) return copy.close(life)
  // The app may have called `delete()` meanwhile.
  if (life !== copy.life) return copy.leave(created, created.stored)
  try {
    // The response may have gone out meanwhile.
    copy.checkReach()
  } catch (error) {
    await committer.end(created, created.stored).catch(() => undefined)
    throw error
  }
  copy.become(created)
}
