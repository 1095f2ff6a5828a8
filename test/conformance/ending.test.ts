import t from 'tap'
import { ENDING } from '../../lib/conformance/ending'
import { SessionError } from '../../lib/errors'
import type { Removal } from '../../lib/store/session-record'
import { entryOf, findsOut, WholeStore } from '../support/broken-stores'
import type { Entry } from '../support/documented-store'

findsOut(t, ENDING, {
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
  }
})
