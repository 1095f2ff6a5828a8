import t from 'tap'
import { GRACE_CHECKS } from '../../lib/conformance/grace'
import type { Creation, Removal, Replacement, SessionRecord } from '../../lib/store/session-record'
import type { ReapCounts } from '../../lib/store/store-abilities'
import { entryOf, findsOut, WholeStore } from '../support/broken-stores'

findsOut(t, GRACE_CHECKS, {
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
  'within that minute a reap takes no session away from a request that loaded it': class extends WholeStore {
    override async reap (): Promise<ReapCounts> {
      for (const name of this.memory.keys()) if (await this.read(name) === null) this.memory.delete(name)
      return await super.reap()
    }
  },
  'within that minute create makes a new session of that name': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      return this.memory.has(name) ? { result: 'taken' } : await super.create(name, record)
    }
  },
  'after that minute nothing brings the session back': class extends WholeStore {
    override async touch (name: string): Promise<void> { if (this.memory.has(name)) entryOf(this, name).lastAccess = Date.now() }
  }
})
