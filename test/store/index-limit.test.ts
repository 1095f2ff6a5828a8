import t from 'tap'
import { SessionLimitError } from '../../lib/errors'
import type { SessionKey } from '../../lib/session/opened-session'
import { IndexEntering } from '../../lib/store/index-entering'
import { IndexedWorld, type Process, type WorldOptions } from '../support/indexed-world'
import { explore } from '../support/interleavings'

const USER = 42

const loggedIn = async (process: Process): Promise<SessionKey[]> => [await process.login(USER) as SessionKey]
const login = async (process: Process): Promise<unknown> => await process.login(USER)
const refused = async (process: Process): Promise<void> => {
  await process.login(USER).catch((error: unknown) => { if (!(error instanceof SessionLimitError)) throw error })
}

async function search (options: WorldOptions): Promise<number> {
  return (await explore(() => new IndexedWorld({ isMixed: true, limit: 1, ...options }), { preemptions: 2 })).states
}

t.test('logins of processes that write under different secrets stay within the limit', async t => {
  t.ok(await search({ before: loggedIn, processes: [login, login] }) > 100)
  t.ok(await search({ onLimit: 'refuse', processes: [refused, refused] }) > 100)
  t.ok(await search({ onLimit: 'refuse', before: loggedIn, processes: [refused] }) > 2)
})

t.test('the search finds logins that are counted under one secret only', async t => {
  t.intercept(IndexEntering.prototype, 'enter', {
    value: async function (this: IndexEntering, name: string, places: Parameters<IndexEntering['enter']>[1], idleTimeout: number | undefined) {
      return await this.enterSealed(name, places.map(place => ({ ...place, others: undefined })), idleTimeout, undefined)
    }
  })
  await t.rejects(search({ processes: [login, login] }), /logins live/)
  await t.rejects(search({ onLimit: 'refuse', processes: [refused, refused] }), /logins live/)
})

t.test('a session that gets a label while the lists are read in the other order is not missed by revokeAll', async t => {
  const change = async (process: Process, [key]: SessionKey[]): Promise<void> => { await process.become(key as SessionKey, USER, 1) }
  const revokeAll = async (process: Process): Promise<void> => { await process.revokeAll(USER) }
  t.ok(await search({ before: loggedIn, processes: [change, revokeAll] }) > 50)
})
