import t from 'tap'
import { CREATING } from '../../lib/conformance/creating'
import { SessionError } from '../../lib/errors'
import type { Creation, Removal, SessionRecord, StoredSession } from '../../lib/store/session-record'
import { entryOf, findsOut, WholeStore } from '../support/broken-stores'
import type { Entry } from '../support/documented-store'

findsOut(t, CREATING, {
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
  }
})
