import t from 'tap'
import { TEXTS } from '../../lib/conformance/texts'
import type { Creation, Replacement, SessionRecord } from '../../lib/store/session-record'
import { findsOut, WholeStore } from '../support/broken-stores'
import { PlacedStore } from '../support/conformance-runs'

findsOut(t, TEXTS, {
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
  'a session can be replaced with a text of every kind': class extends WholeStore {
    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      return await super.replace(name, { ...record, text: record.text.normalize() }, version)
    }
  },
  'create and replace refuse a text longer than maxSize, and store nothing': class extends WholeStore {
    override async create (name: string, record: SessionRecord): Promise<Creation> {
      await super.create(name, { text: '' })
      return await super.create(name, record)
    }
  }
})
