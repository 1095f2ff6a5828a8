import t from 'tap'
import type { SessionKey } from '../../lib/session/opened-session'
import { nameOfHandle } from '../../lib/store/session-id'
import { change, loggedIn, logOut, looksForItsOwnEntry, play, playAll, renew, revoke, revokeAll, save, visited, type Game, type Run } from '../support/index-games'
import { USER } from '../support/indexed-world'

// Ids that are renewed by themselves beside all that ends sessions. More interruptions are for `npm run protocol`.
const GAMES: Record<string, Game> = {
  'a renewal and revokeAll': { before: loggedIn, processes: [renew, revokeAll], crashes: 1, preemptions: 1 },
  'a renewal and a revoke by the handle': { before: loggedIn, processes: [renew, revoke], crashes: 1, preemptions: 1 },
  'a renewal and a revoke of a session that is in no index': { before: visited, processes: [renew, revoke], crashes: 1 },
  'a login by a save, and a revoke by the handle': { before: visited, processes: [save, revoke], crashes: 1 },
  'a renewal and a logout': { before: loggedIn, processes: [renew, logOut], crashes: 1 },
  'two renewals and revokeAll': { before: loggedIn, processes: [renew, renew, revokeAll], preemptions: 1 },
  'two renewals and a revoke by the handle': { before: loggedIn, processes: [renew, renew, revoke], preemptions: 1 },
  'a renewal, a save and revokeAll': { before: loggedIn, processes: [renew, change, revokeAll], preemptions: 1 },
  'a renewal after the secret of the server changed, and revokeAll': { isRotated: true, before: loggedIn, processes: [renew, revokeAll], preemptions: 2 }
}

playAll(t, GAMES)

t.test('the search finds a renewal that takes no login along', async t => {
  const forgetful: Run = (process, [key]) => process.renew(key as SessionKey, false)
  await t.rejects(play({ before: loggedIn, processes: [forgetful, revokeAll], mutant: looksForItsOwnEntry }), /lives after revokeAll/)
  await t.resolves(play({ before: loggedIn, processes: [renew, revokeAll], mutant: looksForItsOwnEntry, preemptions: 1 }))
})

t.test('a revoke that removes whatever stands under the handle', async t => {
  const blind: Run = async (process, keys) => {
    const remove = process.store.remove.bind(process.store)
    process.store.remove = async name => await remove(name)
    await revoke(process, keys)
  }
  await t.rejects(play({ before: visited, processes: [renew, blind] }), /lives after its end/)
})

t.test('a revoke that does not follow a session that has moved', async t => {
  const short: Run = async (process, [key]) => {
    const { name } = key as SessionKey
    const stored = await process.store.read(name)
    await process.store.remove(name, stored?.version)
    process.world.ended(name)
  }
  await t.rejects(play({ before: loggedIn, processes: [renew, short] }), /lives after its end/)
})

t.test('revokeAll that ends the sessions which it finds, and marks nothing', async t => {
  const unmarked: Run = async process => {
    const before = process.world.answeredWith(USER)
    for await (const { handle } of process.index.sessionsOf('user', USER)) await process.store.remove(nameOfHandle(handle) ?? '')
    process.world.revoked(before, process.index.labels.of('user', USER))
  }
  await t.rejects(play({ before: loggedIn, processes: [renew, unmarked] }), /lives after revokeAll/)
})

t.test('a logout that ends the old id alone', async t => {
  const short: Run = async (process, [key]) => {
    await process.records.remove(key as SessionKey)
    process.world.ended((key as SessionKey).name)
  }
  await t.rejects(play({ before: loggedIn, processes: [renew, short] }), /lives after its end/)
})
