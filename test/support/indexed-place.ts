import type { Test } from 'tap'
import { DirectoryPlace } from '../../lib/cli/directory-place'
import { JSON_CODEC, SessionText } from '../../lib/session/codec'
import { Indexing } from '../../lib/session/indexing'
import { SessionRecords } from '../../lib/session/session-records'
import type { EncryptionOptions } from '../../lib/store/encryption-options'
import { SessionFileStore } from '../../lib/store/files/session-file-store'
import type { SessionCipher } from '../../lib/store/session-cipher'
import { sessionHandle } from '../../lib/store/session-id'
import { SETTLED } from './expired-session'
import { sessionDirectory } from './session-files'

/** A session directory as a place, and what logs users in to apps in it, whose sessions are found by user. */
export function indexedPlace (t: Test, encryption: boolean | EncryptionOptions = false) {
  const sessionDir = sessionDirectory(t)
  const appOf = (appid: string) => {
    const store = new SessionFileStore({ sessionDir, appid, encryption })
    t.teardown(() => store.close())
    const cipher = store.cipher as SessionCipher
    return { store, cipher, records: new SessionRecords(store, cipher, new Indexing(store, SETTLED, new SessionText(JSON_CODEC))) }
  }
  const shop = appOf('shop')
  /** Returns the handle of the new session. */
  const login = async (user: number | undefined, about?: Record<string, string>, { records } = shop): Promise<string> => {
    const key = await records.newKey()
    await records.create(key, { text: JSON.stringify({ user }), about: () => about })
    return sessionHandle(key.name)
  }
  return { place: new DirectoryPlace(sessionDir, { maxSize: 10_000 }), sessionDir, shop, appOf, login }
}
