import t from 'tap'
import { DATED } from '../../lib/conformance/dated'
import type { DatedSession } from '../../lib/store/store-abilities'
import { findsOut, WholeStore } from '../support/broken-stores'

/** A store whose sessions are named by their ids, with what a store without versions knows of times. */
class DatedStore extends WholeStore {
  override nameOf (sesid: string): string {
    return sesid
  }

  async readSession (sesid: string): Promise<DatedSession | null> {
    const session = await this.read(sesid)
    return session === null ? null : { text: session.text, idleTimeout: session.idleTimeout, touchDue: session.touchDue }
  }

  async touchSession (sesid: string): Promise<void> {
    await this.touch(sesid)
  }
}

findsOut(t, DATED, {
  'readSession returns the text and the session\'s own idle timeout': class extends DatedStore {
    override async readSession (sesid: string): Promise<DatedSession | null> {
      const session = await super.readSession(sesid)
      return session === null ? null : { ...session, idleTimeout: undefined }
    }
  },
  'readSession returns null for a session that is not there': class extends DatedStore {
    override async readSession (sesid: string): Promise<DatedSession | null> {
      return await super.readSession(sesid) ?? { text: '', idleTimeout: undefined, touchDue: false }
    }
  },
  'touchSession of a session that is not there is not an error and makes none': class extends DatedStore {
    override async touchSession (sesid: string): Promise<void> {
      await this.create(sesid, { text: '' })
    }
  },
  'readSession is not use, touchSession is': class extends DatedStore {
    override async readSession (sesid: string): Promise<DatedSession | null> {
      const session = await super.readSession(sesid)
      await this.touchSession(sesid)
      return session
    }
  }
}, DatedStore)
