import { setImmediate as later } from 'node:timers/promises'
import t from 'tap'
import { RACES } from '../../lib/conformance/races'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from '../../lib/store/session-record'
import { entryOf, findsOut, WholeStore } from '../support/broken-stores'

findsOut(t, RACES, {
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
  }
})
