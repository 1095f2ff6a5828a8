import t from 'tap'
import { FIVE_METHODS } from '../../lib/conformance/five-methods'
import { SessionError } from '../../lib/errors'
import { storageName } from '../../lib/store/session-id'
import type { PutOptions } from '../../lib/store/session-store'
import { findsOut, WholeStore } from '../support/broken-stores'

findsOut(t, FIVE_METHODS, {
  'sesAppid returns the appid of the app': class extends WholeStore {
    override sesAppid (): string { return 'sid' }
  },
  'newSession makes a session with the empty text': class extends WholeStore {
    override async newSession (): Promise<string> {
      const sesid = await super.newSession()
      await this.putSession(sesid, 'null')
      return sesid
    }
  },
  'newSession returns another id each time, too long to be guessed': class extends WholeStore {
    override async newId (): Promise<string> { return (await super.newId()).slice(0, 8) }
  },
  'putSession replaces the text, and getSession returns it': class extends WholeStore {
    override async putSession (sesid: string, text: string): Promise<void> { if (text !== '') await super.putSession(sesid, text) }
  },
  'putSession takes an idle timeout': class extends WholeStore {
    override async putSession (sesid: string, text: string, options?: PutOptions): Promise<void> {
      if (options !== undefined && options.idleTimeout === undefined) throw new TypeError('idleTimeout is missing')
      await super.putSession(sesid, text, options)
    }
  },
  'getSession returns null for an id that is unknown or malformed': class extends WholeStore {
    override async getSession (sesid: string): Promise<string | null> {
      if (sesid === '') throw new SessionError('SESSION_ID', 'the id is empty')
      return await super.getSession(sesid)
    }
  },
  'putSession makes no session': class extends WholeStore {
    override async putSession (sesid: string, text: string): Promise<void> {
      await this.create(this.nameOf(sesid), { text })
      await super.putSession(sesid, text)
    }
  },
  'delSession removes the session for good': class extends WholeStore {
    override async delSession (sesid: string): Promise<void> { await this.putSession(sesid, '') }
  },
  'delSession of a session that is not there is not an error': class extends WholeStore {
    override async delSession (sesid: string): Promise<void> {
      if (await this.remove(this.nameOf(sesid)) === 'gone') throw new SessionError('SESSION_ID', 'there is no such session')
    }
  },
  'what was stored is there for a store that is made later': class extends WholeStore {
    override async open (): Promise<void> { this.memory.clear() }
  },
  'sessions of another appid are never seen': class extends WholeStore {
    override nameOf (sesid: string): string { return storageName('sid', sesid) }
  }
})
