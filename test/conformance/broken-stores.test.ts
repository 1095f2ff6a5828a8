import { setImmediate as later } from 'node:timers/promises'
import t from 'tap'
import { conformance } from '../../lib/conformance/conformance'
import { INDEXES } from '../../lib/conformance/indexes'
import type { ConformanceOptions } from '../../lib/conformance/options'
import { SessionError } from '../../lib/errors'
import { checkRecord } from '../../lib/store/record-options'
import { storageName } from '../../lib/store/session-id'
import type {
  Creation, PortableSession, PutOptions, ReapCounts, Removal, Replacement, SessionInfo, SessionRecord, StoredSession
} from '../../lib/store/session-store'
import { failuresOf, FEATURES, optionsFor, PlacedStore, type PlacedClass } from '../support/conformance-runs'
import type { Entry } from '../support/documented-store'

const MAX_SIZE = 20_000

/** A store that also has the answer at hand, limits its texts, and fails when it is told to: it keeps every promise. */
class WholeStore extends PlacedStore {
  override readonly features = { ...FEATURES, immediate: true } as never

  readNow (name: string): StoredSession | null {
    const entry = this.memory.get(name)
    return entry === undefined ? null : { ...entry, touchDue: false, idleLeft: undefined }
  }

  replaceNow (name: string, record: SessionRecord, version: string): Replacement | undefined {
    const entry = this.memory.get(name)
    if (entry === undefined) return { result: 'gone' }
    if (entry.version !== version) return { result: 'conflict' }
    Object.assign(entry, { ...record, version: `${version}'` })
    return { result: 'replaced', version: entry.version }
  }

  override async read (name: string): Promise<StoredSession | null> {
    this.#checkTrouble()
    return await super.read(name)
  }

  override async create (name: string, record: SessionRecord): Promise<Creation> {
    checkRecord(record, MAX_SIZE)
    this.#checkTrouble()
    return await super.create(name, record)
  }

  override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    checkRecord(record, MAX_SIZE)
    this.#checkTrouble()
    return await super.replace(name, record, version)
  }

  override async remove (name: string, version?: string): Promise<Removal> {
    this.#checkTrouble()
    return await super.remove(name, version)
  }

  override async touch (name: string): Promise<void> {
    this.#checkTrouble()
    await super.touch(name)
  }

  override async setAside (name: string, version?: string): Promise<void> {
    this.#checkTrouble()
    await super.setAside(name, version)
  }

  protected trouble (): unknown {
    return new SessionError('SESSION_STORE', 'the server is down')
  }

  #checkTrouble (): void {
    if (this.place.isFailing) throw this.trouble()
  }
}

const entryOf = (store: PlacedStore, name: string): Entry => store.memory.get(name) as Entry

/** By the sentence of a check: a store that is wrong in the way that the check is meant for. */
const BROKEN: Record<string, PlacedClass> = {
  'the store declares the features that the suite was told': class extends PlacedStore {
    override readonly features = { records: true } as never
  },

  'sesAppid returns the appid of the app': class extends WholeStore {
    override sesAppid (): string { return 'sid' }
  },
  'newSession makes a session with the empty text': class extends WholeStore {
    override async newSession (): Promise<string> {
      const sesid = await super.newSession()
      await this.putSession(sesid, 'null')
      return sesid
    }
  },
  'newSession returns another id each time, too long to be guessed': class extends WholeStore {
    override async newId (): Promise<string> { return (await super.newId()).slice(0, 8) }
  },
  'putSession replaces the text, and getSession returns it': class extends WholeStore {
    override async putSession (sesid: string, text: string): Promise<void> { if (text !== '') await super.putSession(sesid, text) }
  },
  'putSession takes an idle timeout': class extends WholeStore {
    override async putSession (sesid: string, text: string, options?: PutOptions): Promise<void> {
      if (options !== undefined && options.idleTimeout === undefined) throw new TypeError('idleTimeout is missing')
      await super.putSession(sesid, text, options)
    }
  },
  'getSession returns null for an id that is unknown or malformed': class extends WholeStore {
    override async getSession (sesid: string): Promise<string | null> {
      if (sesid === '') throw new SessionError('SESSION_ID', 'the id is empty')
      return await super.getSession(sesid)
    }
  },
  'putSession makes no session': class extends WholeStore {
    override async putSession (sesid: string, text: string): Promise<void> {
      await this.create(this.nameOf(sesid), { text })
      await super.putSession(sesid, text)
    }
  },
  'delSession removes the session for good': class extends WholeStore {
    override async delSession (sesid: string): Promise<void> { await this.putSession(sesid, '') }
  },
  'delSession of a session that is not there is not an error': class extends WholeStore {
    override async delSession (sesid: string): Promise<void> {
      if (await this.remove(this.nameOf(sesid)) === 'gone') throw new SessionError('SESSION_ID', 'there is no such session')
    }
  },
  'what was stored is there for a store that is made later': class extends WholeStore {
    override async open (): Promise<void> { this.memory.clear() }
  },
  'sessions of another appid are never seen': class extends WholeStore {
    override nameOf (sesid: string): string { return storageName('sid', sesid) }
  },

  'texts of every kind come back as they were stored': class extends WholeStore {
    override async putSession (sesid: string, text: string): Promise<void> { await super.putSession(sesid, text.replace('\0', '')) }
  },
  'JSON objects come back as they were stored': class extends WholeStore {
    override async putSession (sesid: string, text: string): Promise<void> {
      await super.putSession(sesid, Buffer.from(text, 'latin1').toString('latin1'))
    }
  },
  'a text of a mebibyte comes back, or one of maxSize if that is less': class extends WholeStore {
    override async putSession (sesid: string, text: string): Promise<void> { await super.putSession(sesid, text.slice(0, 500)) }
  },
  'a text longer than maxSize is refused, and the one before stays': PlacedStore,
  'a session can be created with a text of every kind': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      return await super.create(name, { ...record, text: record.text.trim() })
    }
  },
  'create and replace refuse a text longer than maxSize, and store nothing': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      await super.create(name, { text: '' })
      return await super.create(name, record)
    }
  },
  'a store with records can be opened twice and closed twice, and its sessions stay': class extends WholeStore {
    override async close (): Promise<void> { this.memory.clear() }
  },

  'create makes a session that read returns, text and version': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      const creation = await super.create(name, record)
      return creation.result === 'taken' ? creation : { ...creation, version: 'another' }
    }
  },
  'create keeps the idle timeout of the record': class extends WholeStore {
    override async create (name: string, { text, createdAt }: SessionRecord): Promise<Creation> { return await super.create(name, { text, createdAt }) }
  },
  'create without createdAt says that the session begins now': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> { return await super.create(name, { createdAt: 0, ...record }) }
  },
  'create keeps the createdAt that it is given': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      return await super.create(name, { ...record, createdAt: Date.now() })
    }
  },
  'read returns null for a name that has no session': class extends WholeStore {
    override async read (name: string): Promise<StoredSession | null> {
      const session = await super.read(name)
      if (session === null) throw new SessionError('SESSION_STORE', 'there is no such session')
      return session
    }
  },
  'newId makes another id each time, and no session': class extends WholeStore {
    override async newId (): Promise<string> {
      const sesid = await super.newId()
      await this.create(this.nameOf(sesid), { text: '' })
      return sesid
    }
  },
  'create under the name of a live session is told taken and changes nothing': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      this.memory.delete(name)
      return await super.create(name, record)
    }
  },
  'create under the name of a session that was removed makes a new one': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      return this.memory.get(`tombstone ${name}`) === undefined ? await super.create(name, record) : { result: 'taken' }
    }

    override async remove (name: string, version?: string): Promise<Removal> {
      const removal = await super.remove(name, version)
      if (removal === 'removed') this.memory.set(`tombstone ${name}`, {} as Entry)
      return removal
    }
  },
  'a version of a removed session does not fit the next one of that name': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      const creation = await super.create(name, record)
      if (creation.result === 'taken') return creation
      entryOf(this, name).version = '1'
      return { result: 'created', version: '1' }
    }
  },

  'replace stores the record and returns its version': class extends WholeStore {
    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      const entry = { ...entryOf(this, name) }
      const replacement = await super.replace(name, record, version)
      if (replacement.result === 'replaced') Object.assign(entryOf(this, name), entry)
      return replacement
    }
  },
  'replace at an older version is told conflict and stores nothing': class extends WholeStore {
    override async replace (name: string, record: SessionRecord): Promise<Replacement> {
      return await super.replace(name, record, this.memory.get(name)?.version ?? '')
    }
  },
  'a record with an equal text has a version of its own': class extends WholeStore {
    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      const replacement = await super.replace(name, record, version)
      if (replacement.result !== 'replaced') return replacement
      entryOf(this, name).version = record.text
      return { result: 'replaced', version: record.text }
    }

    override async create (name: string, record: SessionRecord): Promise<Creation> {
      const creation = await super.create(name, record)
      if (creation.result === 'taken') return creation
      entryOf(this, name).version = record.text
      return { result: 'created', version: record.text }
    }
  },
  'no version is that of another session as well, whatever was stored in both': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      const creation = await super.create(name, record)
      if (creation.result === 'taken') return creation
      entryOf(this, name).version = '1'
      return { result: 'created', version: '1' }
    }

    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      const replacement = await super.replace(name, record, version)
      if (replacement.result !== 'replaced') return replacement
      entryOf(this, name).version = String(Number(version) + 1)
      return { result: 'replaced', version: entryOf(this, name).version }
    }
  },
  'replace of a session that is not there is told gone and makes none': class extends WholeStore {
    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      await this.create(name, record)
      return await super.replace(name, record, version)
    }
  },
  'replace keeps createdAt unless it is given one': class extends WholeStore {
    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      return await super.replace(name, { createdAt: Date.now(), ...record }, version)
    }
  },
  'a record without an idle timeout of its own goes by the store\'s again': class extends WholeStore {
    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      const { idleTimeout = this.memory.get(name)?.idleTimeout } = record
      return await super.replace(name, { ...record, idleTimeout }, version)
    }
  },
  'putSession keeps the session\'s own idle timeout and createdAt, unless it is given another timeout': class extends WholeStore {
    override async putSession (sesid: string, text: string, { idleTimeout }: PutOptions = {}): Promise<void> {
      const name = this.nameOf(sesid)
      await this.replace(name, { text, idleTimeout }, (await this.read(name))?.version ?? '')
    }
  },

  'remove at the version of the session removes it': class extends WholeStore {
    override async remove (name: string, version?: string): Promise<Removal> {
      const session = await this.read(name)
      return session === null ? 'gone' : version === undefined || session.version === version ? 'removed' : 'conflict'
    }
  },
  'remove at an older version is told conflict and removes nothing': class extends WholeStore {
    override async remove (name: string): Promise<Removal> { return await super.remove(name) }
  },
  'remove without a version removes the session, whatever it is at': class extends WholeStore {
    override async remove (name: string, version = ''): Promise<Removal> { return await super.remove(name, version) }
  },
  'remove of a session that is not there is told gone': class extends WholeStore {
    override async remove (name: string, version?: string): Promise<Removal> {
      const removal = await super.remove(name, version)
      return removal === 'gone' ? 'removed' : removal
    }
  },
  'nothing brings a removed session back': class extends WholeStore {
    override async remove (name: string, version?: string): Promise<Removal> {
      const entry = this.memory.get(name)
      const removal = await super.remove(name, version)
      if (removal === 'removed') this.memory.set(`grave of ${name}`, entry as Entry)
      return removal
    }

    override async touch (name: string): Promise<void> {
      const entry = this.memory.get(`grave of ${name}`)
      if (entry !== undefined) this.memory.set(name, entry)
      await super.touch(name)
    }
  },
  'touch of a session that is not there is not an error and makes none': class extends WholeStore {
    override async touch (name: string): Promise<void> {
      if (!this.memory.has(name)) await this.create(name, { text: '' })
      await super.touch(name)
    }
  },
  'touch changes neither text nor version': class extends WholeStore {
    override async touch (name: string): Promise<void> { entryOf(this, name).version = 'touched' }
  },
  'setAside takes the session away from its name for good': class extends WholeStore {
    override async setAside (): Promise<void> {}
  },
  'setAside at an older version leaves the session alone': class extends WholeStore {
    override async setAside (name: string): Promise<void> { await super.setAside(name) }
  },
  'setAside of a session that is not there is not an error': class extends WholeStore {
    override async setAside (name: string): Promise<void> {
      if (!this.memory.delete(name)) throw new SessionError('SESSION_STORE', 'there is no such session')
    }
  },

  'of several creates under one name exactly one is told created': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      if (this.memory.has(name)) return { result: 'taken' }
      await later()
      this.memory.delete(name)
      return await super.create(name, record)
    }
  },
  'of several replaces at one version exactly one is told replaced': class extends WholeStore {
    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      if (this.memory.get(name)?.version !== version) return await super.replace(name, record, version)
      await later()
      return await super.replace(name, record, entryOf(this, name).version)
    }
  },
  'of several removes exactly one is told removed': class extends WholeStore {
    override async remove (name: string, version?: string): Promise<Removal> {
      const wasThere = this.memory.has(name)
      await later()
      const removal = await super.remove(name, version)
      return wasThere && removal === 'gone' ? 'removed' : removal
    }
  },
  'of a replace and a remove at one version exactly one succeeds': class extends WholeStore {
    override async remove (name: string, version?: string): Promise<Removal> {
      if (version !== undefined && this.memory.get(name)?.version !== version) return await super.remove(name, version)
      await later()
      return await super.remove(name)
    }
  },
  'of many updates from several stores at once none is lost or doubled': class extends WholeStore {
    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      if (this.memory.get(name)?.version !== version) return await super.replace(name, record, version)
      await later()
      return await super.replace(name, record, entryOf(this, name).version)
    }
  },
  'an update is never acknowledged after the session was removed': class extends WholeStore {
    readonly #read = new Map<string, StoredSession | null>()
    override async read (name: string): Promise<StoredSession | null> {
      const session = await super.read(name) ?? this.#read.get(name) ?? null
      this.#read.set(name, session)
      return session
    }

    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      const replacement = await super.replace(name, record, version)
      return replacement.result === 'gone' ? { result: 'replaced', version } : replacement
    }
  },
  'what one store has written, another reads at once': class extends WholeStore {
    readonly #read = new Map<string, StoredSession | null>()
    override async read (name: string): Promise<StoredSession | null> {
      const session = this.#read.get(name) ?? await super.read(name)
      this.#read.set(name, session)
      return session
    }
  },

  'nameOf returns the same name each time, and another for each id': class extends WholeStore {
    override nameOf (sesid: string): string { return super.nameOf(sesid.trim()) + (sesid === '' ? String(Math.random()) : '') }
  },
  'a name is another for another appid': class extends WholeStore {
    override nameOf (sesid: string): string { return storageName('sid', sesid) }
  },
  'a name does not give the id away': class extends WholeStore {
    override nameOf (sesid: string): string { return `session ${Buffer.from(sesid).toString('hex')}` }
  },
  'nothing at rest gives an id away': class extends WholeStore {
    #sesid = ''
    override async newId (): Promise<string> {
      this.#sesid = await super.newId()
      return this.#sesid
    }

    override async create (name: string, record: SessionRecord): Promise<Creation> {
      const creation = await super.create(name, record)
      if (creation.result === 'created') Object.assign(entryOf(this, name), { id: this.#sesid })
      return creation
    }
  },

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
  },

  'for a minute after its end replace still finds the session': class extends WholeStore {
    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      return await this.read(name) === null ? { result: 'gone' } : await super.replace(name, record, version)
    }
  },
  'for a minute after its end touch still finds the session': class extends WholeStore {
    override async touch (name: string): Promise<void> { if (await this.read(name) !== null) await super.touch(name) }
  },
  'for a minute after its end remove still finds the session': class extends WholeStore {
    override async remove (name: string, version?: string): Promise<Removal> {
      return await this.read(name) === null ? 'gone' : await super.remove(name, version)
    }
  },
  'after that minute nothing brings the session back': class extends WholeStore {
    override async touch (name: string): Promise<void> { if (this.memory.has(name)) entryOf(this, name).lastAccess = Date.now() }
  },

  'sessions() lists every live session once, without its id': class extends WholeStore {
    override async * sessions (): AsyncGenerator<SessionInfo, void> {
      for await (const info of super.sessions()) yield { ...info, name: 'a name' } as never
    }
  },
  'sessions() reads as it is asked, and can be left at any time': class extends WholeStore {
    override async * sessions (): AsyncGenerator<SessionInfo, void> {
      let isDone = false
      try {
        yield * super.sessions()
        isDone = true
      } finally {
        // eslint-disable-next-line no-unsafe-finally -- this is what is broken
        if (!isDone) throw new Error('not at the end')
      }
    }
  },
  'sessions() leaves out sessions of another appid': class extends WholeStore {
    override async * sessions (): AsyncGenerator<SessionInfo, void> {
      for (const { text } of this.memory.values()) yield { age: 0, idle: 0, idleLeft: 1, size: text.length }
    }
  },
  'clear() removes every session of its appid for good, and returns how many': class extends WholeStore {
    override async clear (): Promise<number> {
      const { size } = this.memory
      this.memory.clear()
      return size
    }
  },
  'sessions() leaves out what has expired, and clear() removes it': class extends WholeStore {
    override async clear (): Promise<number> {
      let count = 0
      for (const [name] of this.memory) if (await this.read(name) !== null && this.memory.delete(name)) count++
      return count
    }
  },
  'sessions() says how old a session is, how long unused, and what is left': class extends WholeStore {
    override async * sessions (): AsyncGenerator<SessionInfo, void> {
      for await (const info of super.sessions()) yield { ...info, age: info.idle }
    }
  },
  'texts() returns the text of every live session of its appid': class extends WholeStore {
    override async * texts (): AsyncGenerator<string, void> { for (const { text } of this.memory.values()) yield text }
  },
  'texts() leaves out what has expired': class extends WholeStore {
    override async * texts (): AsyncGenerator<string, void> { for (const { text } of this.memory.values()) yield text }
  },
  'reap() removes no live session': class extends WholeStore {
    override async reap (): Promise<ReapCounts> {
      this.memory.clear()
      return { seen: 0, expired: 0, orphans: 0, setAside: 0, failed: 0 }
    }
  },
  'reap() ends early when its signal is aborted': class extends WholeStore {
    override async reap (signal?: AbortSignal): Promise<ReapCounts> {
      signal?.throwIfAborted()
      return await super.reap()
    }
  },
  'reap() removes what has expired, once, and says how many': class extends WholeStore {
    override async reap (): Promise<ReapCounts> { return { seen: 1, expired: 1, orphans: 0, setAside: 0, failed: 0 } }
  },

  'exportSessions() returns every live session of its appid, with its name and its times': class extends WholeStore {
    override async * exportSessions (): AsyncGenerator<PortableSession, void> {
      for await (const session of super.exportSessions()) yield { ...session, createdAt: Date.now() }
    }
  },
  'importSession makes a session that keeps its id, its text and its times': class extends WholeStore {
    override async importSession (session: PortableSession): Promise<Creation> {
      return await super.importSession({ ...session, createdAt: session.lastAccess })
    }
  },
  'importSession under the name of a live session is told taken and changes nothing': class extends WholeStore {
    override async importSession (session: PortableSession): Promise<Creation> {
      this.memory.delete(session.name)
      return await super.importSession(session)
    }
  },
  'of several imports under one name exactly one is told created': class extends WholeStore {
    override async importSession (session: PortableSession): Promise<Creation> {
      if (this.memory.has(session.name)) return { result: 'taken' }
      await later()
      this.memory.delete(session.name)
      return await super.importSession(session)
    }
  },
  'an imported session that has expired elsewhere is not read': class extends WholeStore {
    override async importSession (session: PortableSession): Promise<Creation> {
      return await super.importSession({ ...session, lastAccess: Date.now() })
    }
  },
  'an imported session ends when it would have ended in the other store': class extends WholeStore {
    override async importSession (session: PortableSession): Promise<Creation> {
      return await super.importSession({ ...session, lastAccess: Date.now() })
    }
  },
  'exportSessions() leaves out what has expired': class extends WholeStore {
    override async * exportSessions (): AsyncGenerator<PortableSession, void> {
      for (const [name, entry] of this.memory) yield { name, ...entry }
    }
  },

  'readNow returns what read returns, or undefined': class extends WholeStore {
    override readNow (name: string): StoredSession | null {
      const session = super.readNow(name)
      return session === null ? null : { ...session, text: session.text.trimEnd().slice(1) }
    }
  },
  'readNow never returns a record that another store has replaced or removed': class extends WholeStore {
    #last: StoredSession | null = null
    override async read (name: string): Promise<StoredSession | null> {
      this.#last = await super.read(name)
      return this.#last
    }

    override readNow (): StoredSession | null { return this.#last }
  },
  'replaceNow replaces what it is told to at its version, or returns undefined and has done nothing': class extends WholeStore {
    override replaceNow (name: string, record: SessionRecord, version: string): undefined { super.replaceNow(name, record, version) }
  },
  'replaceNow at an older version stores nothing': class extends WholeStore {
    override replaceNow (name: string, record: SessionRecord): Replacement | undefined {
      return super.replaceNow(name, record, this.memory.get(name)?.version ?? '')
    }
  },

  'trouble is a SessionError that holds neither id nor text': class extends WholeStore {
    protected override trouble (): unknown { return new Error('the server is down') }
  },
  'trouble of a store with records is a SessionError that holds neither id, name nor text': class extends WholeStore {
    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      return await super.replace(name, record, version).catch(() => {
        throw new SessionError('SESSION_STORE', 'the server is down', { cause: new Error(`SET ${record.text}`) })
      })
    }
  }
}

function wholeOptions (Store: PlacedClass): Omit<ConformanceOptions, 'test'> {
  return { ...optionsFor(Store), features: { ...FEATURES, immediate: true }, maxSize: MAX_SIZE }
}

t.test('the store that the others are made of keeps every promise', async t => {
  t.strictSame([...await failuresOf(wholeOptions(WholeStore))], [])
})

t.test('so does one that never has the answer at hand', async t => {
  const Slow = class extends PlacedStore {
    override readonly features = { ...FEATURES, immediate: true } as never
    readNow (): undefined {}
    replaceNow (): undefined {}
  }
  t.strictSame([...await failuresOf({ ...wholeOptions(Slow), maxSize: undefined, fail: undefined })], [])
})

t.test('every check can fail: a store that is wrong in its way is caught by it', async t => {
  const { checked } = conformance({ ...wholeOptions(WholeStore), test: () => {} })
  t.strictSame(Object.keys(BROKEN).filter(name => !checked.includes(name)), [], 'each is the name of a check')
  t.strictSame(checked.filter(name => !(name in BROKEN)), [], 'each check has a store that it is meant for')
  for (const [name, Store] of Object.entries(BROKEN)) {
    const failures = await failuresOf(wholeOptions(Store), [name])
    t.ok(failures.has(name), name)
  }
})

t.test('what the suite cannot check it leaves out, and says so', async t => {
  const { age, dump, fail, ...options } = optionsFor(PlacedStore)
  const { checked, leftOut } = conformance({ ...options, test: () => {}, except: ['nothing brings a removed session back'] })
  t.ok(leftOut.includes('reading is not use'))
  t.ok(leftOut.includes('nothing at rest gives an id away'))
  t.ok(leftOut.includes('nothing brings a removed session back'))
  t.notOk(checked.some(name => leftOut.includes(name)))
  t.equal(checked.length + leftOut.length, Object.keys(BROKEN).length + 5 + INDEXES.length, 'those of indexes have a test of their own')
  t.throws(() => conformance({ ...options, test: () => {}, except: ['nothing is wrong'] }), { code: 'SESSION_OPTION', message: /nothing is wrong/ })
})
