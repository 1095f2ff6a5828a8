import t from 'tap'
import { NAMES } from '../../lib/conformance/names'
import { storageName } from '../../lib/store/session-id'
import type { Creation, SessionRecord } from '../../lib/store/session-record'
import { entryOf, findsOut, WholeStore } from '../support/broken-stores'

findsOut(t, NAMES, {
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
  }
})
