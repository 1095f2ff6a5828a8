import t from 'tap'
import { REPLACING } from '../../lib/conformance/replacing'
import type { Creation, Replacement, SessionRecord } from '../../lib/store/session-record'
import type { PutOptions } from '../../lib/store/session-store'
import { entryOf, findsOut, WholeStore } from '../support/broken-stores'

findsOut(t, REPLACING, {
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
  }
})
