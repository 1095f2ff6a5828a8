import t from 'tap'
import { FAILURES } from '../../lib/conformance/failures'
import { SessionError } from '../../lib/errors'
import type { Replacement, SessionRecord } from '../../lib/store/session-record'
import { findsOut, WholeStore } from '../support/broken-stores'

findsOut(t, FAILURES, {
  'trouble is a SessionError that holds neither id nor text': class extends WholeStore {
    protected override trouble (): unknown { return new Error('the server is down') }
  },
  'trouble of a store with records is a SessionError that holds neither id, name nor text': class extends WholeStore {
    override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
      return await super.replace(name, record, version).catch(() => {
        throw new SessionError('SESSION_STORE', 'the server is down', { cause: new Error(`SET ${record.text}`) })
      })
    }
  }
})
