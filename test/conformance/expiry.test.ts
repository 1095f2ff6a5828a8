import t from 'tap'
import { EXPIRY } from '../../lib/conformance/expiry'
import type { Creation, Replacement, SessionRecord, StoredSession } from '../../lib/store/session-record'
import { findsOut, WholeStore } from '../support/broken-stores'

findsOut(t, EXPIRY, {
  'a session ends when it was not used for the idle timeout': class extends WholeStore {
    override async read (name: string): Promise<StoredSession | null> {
      const entry = this.memory.get(name)
      return entry === undefined ? null : { ...entry, touchDue: false, idleLeft: undefined }
    }
  },
  'reading is not use': class extends WholeStore {
    override async read (name: string): Promise<StoredSession | null> {
      const session = await super.read(name)
      if (session !== null) await this.touch(name)
      return session
    }
  },
  'getSession, replace and touch are use': class extends WholeStore {
    override async touch (): Promise<void> {}
  },
  'replace with keepLastUse is not use': class extends WholeStore {
    override async replace (name: string, { keepLastUse, ...record }: SessionRecord, version: string): Promise<Replacement> {
      return await super.replace(name, record, version)
    }
  },
  'a session goes by its own idle timeout, shorter or longer than the store\'s': class extends WholeStore {
    override async create (name: string, { text }: SessionRecord): Promise<Creation> { return await super.create(name, { text }) }
  },
  'a session that is given another idle timeout goes by that one': class extends WholeStore {
    override async replace (name: string, { text }: SessionRecord, version: string): Promise<Replacement> {
      return await super.replace(name, { text }, version)
    }
  },
  'a session ends at the absolute timeout, however much it is used': class extends WholeStore {
    constructor (...[place, options]: ConstructorParameters<typeof WholeStore>) { super(place, { ...options, absoluteTimeout: undefined }) }
  },
  'the absolute timeout counts from the createdAt that create was given': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      return await super.create(name, { ...record, createdAt: Date.now() })
    }
  },
  'a touch is due when the last use is longer ago than the touch interval': class extends WholeStore {
    override async read (name: string): Promise<StoredSession | null> {
      const session = await super.read(name)
      return session === null ? null : { ...session, touchDue: false }
    }
  },
  'idleLeft says when the session ends, if the store knows': class extends WholeStore {
    override async read (name: string): Promise<StoredSession | null> {
      const session = await super.read(name)
      return session === null ? null : { ...session, idleLeft: (session.idleLeft as number) / 1000 }
    }
  },
  'create under the name of a session that has expired makes a new one': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      return this.memory.has(name) ? { result: 'taken' } : await super.create(name, record)
    }
  }
})
