import {
  isDated, type CreatedSession, type PutOptions, type Replacement, type SessionStore, type StoredSession,
  type VersionedSessionStore
} from './session-store'

/**
 * Makes a store that has the five methods alone look like one with versions, for the manager to
 * have one way to go. The text itself is the version. It is compared and then replaced in two
 * steps: commits within a process wait for each other and lose nothing, but of two processes at
 * once the last one wins, and a session that is destroyed between the steps may come back.
 */
export class LastWriterWins implements VersionedSessionStore {
  constructor (readonly store: SessionStore) {}

  sesAppid (): string {
    return this.store.sesAppid()
  }

  getSession (sesid: string): Promise<string | null> {
    return this.store.getSession(sesid)
  }

  newSession (): Promise<string> {
    return this.store.newSession()
  }

  putSession (sesid: string, text: string, options?: PutOptions): Promise<void> {
    return this.store.putSession(sesid, text, options)
  }

  delSession (sesid: string): Promise<void> {
    return this.store.delSession(sesid)
  }

  async readSession (sesid: string): Promise<StoredSession | null> {
    if (isDated(this.store)) {
      const session = await this.store.readSession(sesid)
      return session === null ? null : { ...session, version: session.text }
    }
    const text = await this.store.getSession(sesid)
    return text === null ? null : { text, version: text, idleTimeout: undefined, touchDue: false }
  }

  async createSession (text: string, options?: PutOptions): Promise<CreatedSession> {
    const sesid = await this.store.newSession()
    try {
      await this.store.putSession(sesid, text, options)
    } catch (error) {
      // Nobody was told the id: what could not be filled is removed, if that can be done.
      await this.store.delSession(sesid).catch(() => undefined)
      throw error
    }
    return { sesid, version: text }
  }

  async replaceSession (sesid: string, text: string, version: string, options?: PutOptions): Promise<Replacement> {
    const current = await this.readSession(sesid)
    if (current === null) return { result: 'gone' }
    if (current.version !== version) return { result: 'conflict' }
    await this.store.putSession(sesid, text, options)
    return { result: 'replaced', version: text }
  }
}
