import { setImmediate as later } from 'node:timers/promises'
import t from 'tap'
import { PORTABLE } from '../../lib/conformance/portable'
import type { Creation } from '../../lib/store/session-record'
import type { PortableSession } from '../../lib/store/store-abilities'
import { findsOut, WholeStore } from '../support/broken-stores'

findsOut(t, PORTABLE, {
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
  }
})
