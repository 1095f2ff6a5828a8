import t from 'tap'
import { IMMEDIATE } from '../../lib/conformance/immediate'
import type { Replacement, SessionRecord, StoredSession } from '../../lib/store/session-record'
import { findsOut, WholeStore } from '../support/broken-stores'

findsOut(t, IMMEDIATE, {
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
  }
})
