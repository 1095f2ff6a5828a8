import { merge } from './merge'
import type { PlainObject } from './plain-object'
import { insertSession } from './save'
import { propertiesOf } from './session'
import type { SessionCopy } from './session-copy'
import type { PlainRecord } from './opened-session'
import type { StoredSession } from '../store/session-record'
import { callChange } from './update-queue'

export type Change<T> = (draft: PlainObject) => T | Promise<T>

/** Changes the newest data. @see Session.update */
export async function updateSession<T> (copy: SessionCopy, change: Change<T>): Promise<T | undefined> {
  const { life, name } = copy
  return await copy.shared.updates.run(copy, name, async hasWaited => {
    if (copy.isClosed || life !== copy.life) return undefined
    if (copy.stored === null) return await updateNew(copy, change)
    // A step of this request stored it while this one waited.
    if (name === '') return await updateSession(copy, change)
    return await updateStored(copy, hasWaited ? null : copy.stored, change)
  })
}

async function updateStored<T> (copy: SessionCopy, base: StoredSession | null, change: Change<T>): Promise<T | undefined> {
  const { committer, text } = copy.shared
  const { life, key } = copy
  let answer: T | undefined
  const isStored = await committer.swap('update', key, base, newest => {
    if (life !== copy.life) return null
    const draft = text.draft(key.name, newest.text)
    const take = (returned: T): PlainRecord | null => {
      answer = returned
      return life === copy.life ? copy.recordOn(newest, draft.print()) : null
    }
    const returned = callChange(copy, key.name, () => change(draft.data))
    return returned instanceof Promise ? returned.then(take) : take(returned)
  }, stored => { copy.adopt(life, stored) })
  if (isStored) return answer
  if (await copy.follow(life)) return await updateSession(copy, change)
  copy.close(life)
  return undefined
}

/** No other request knows a session that is not stored, but other steps of this one may store it meanwhile. */
async function updateNew<T> (copy: SessionCopy, change: Change<T>): Promise<T | undefined> {
  const { committer, text } = copy.shared
  const { life } = copy
  const base = text.encode(copy.session.data())
  const draft = text.decode(base)
  const answer = await callChange(copy, '', () => change(draft))
  const drafted = text.encode(draft)
  const isDone = await committer.whenUnstored(copy, async () => {
    if (life !== copy.life) return true
    if (copy.stored !== null) return false
    const merged = text.encode(merge(text.decode(base), draft, copy.session.data()))
    if (!text.isSame(merged, text.empty)) await insertSession(copy, merged)
    if (life === copy.life && !copy.mergeIn(base, drafted)) propertiesOf(copy.session).fill(draft)
    return true
  })
  if (!isDone) return await updateSession(copy, change)
  return life === copy.life ? answer : undefined
}
