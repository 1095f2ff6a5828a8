import t from 'tap'
import { GRACE_CHECKS } from '../../lib/conformance/grace'
import type { Removal, Replacement, SessionRecord } from '../../lib/store/session-record'
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
  'after that minute nothing brings the session back': class extends WholeStore {
    override async touch (name: string): Promise<void> { if (this.memory.has(name)) entryOf(this, name).lastAccess = Date.now() }
  }
})
