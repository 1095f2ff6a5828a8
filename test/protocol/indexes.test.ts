import t from 'tap'
import { headerOf, type SessionKey } from '../../lib/session/opened-session'
import { decodeList } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { sessionHandle } from '../../lib/store/session-id'
import { SessionIndex } from '../../lib/store/session-index'
import { change, endOthers, loggedIn, loggedInTwice, login, logOut, looksForItsOwnEntry, move, play, playAll, renew, revokeAll, save, sweep, switchAgain, switchUser, visited, wait, type Game, type Run } from '../support/index-games'
import type { Mutant } from '../support/indexed-process'
import { USER } from '../support/indexed-world'

// More interruptions are for `npm run protocol`.
const GAMES: Record<string, Game> = {
  'a login and revokeAll': { before: loggedIn, processes: [login, revokeAll], crashes: 1, preemptions: 1 },
  'a move and revokeAll': { before: loggedIn, processes: [move, revokeAll], crashes: 1, preemptions: 1 },
  'a login by a save, and revokeAll': { before: visited, processes: [save, revokeAll], crashes: 1 },
  'a save after the secret of the server changed, and revokeAll': { isRotated: true, before: loggedIn, processes: [change, revokeAll], crashes: 1, preemptions: 1 },
  'a switch of the user and revokeAll': { before: loggedIn, processes: [switchUser, revokeAll], crashes: 1 },
  'two switches of the user at once, and revokeAll': { before: loggedIn, processes: [switchUser, switchAgain, revokeAll], preemptions: 1 },
  'two switches to the same user, and revokeAll': { before: loggedIn, processes: [switchUser, switchUser, revokeAll], preemptions: 1 },
  'a logout and a move': { before: loggedIn, processes: [logOut, move], crashes: 1 },
  'a logout and revokeAll': { before: loggedIn, processes: [logOut, revokeAll], crashes: 1 },
  'a save and a switch of the user': { before: loggedIn, processes: [save, switchUser], crashes: 1 },
  'revokeAll, twice': { before: loggedIn, processes: [revokeAll, revokeAll], crashes: 1 },
  'revokeAll with except beside a renewal': { logins: 1, before: loggedInTwice, processes: [endOthers, renew], preemptions: 1 },
  'revokeAll with except beside a move': { logins: 1, before: loggedIn, processes: [endOthers, move], preemptions: 1 },
  'a login that is held up, and a sweep': { isSlow: true, processes: [login, wait, sweep], crashes: 1 },
  'a move that is held up, and a sweep': { isSlow: true, before: loggedIn, processes: [move, wait, sweep] }
}

playAll(t, GAMES)

t.test('the search finds an entry that is written after the session', async t => {
  const mutant: Mutant = ({ index: { entering } }) => {
    const enter = entering.enter.bind(entering)
    entering.enter = async () => true
    entering.confirm = async (name, places) => await enter(name, places, undefined, undefined)
  }
  await t.rejects(play({ processes: [login], mutant }), /does not name it/)
})

t.test('an entry that is removed before the session', async t => {
  const early: Run = async (process, [key]) => {
    const known = await process.records.read(key as SessionKey)
    const { name } = key as SessionKey
    const [label] = process.index.labels.of('user', USER)
    const indexed = known === null ? {} : headerOf(known).indexed ?? {}
    await process.index.entering.leave(name, [{ label, login: indexed[label] ?? '' }])
    await process.destroy(key as SessionKey)
  }
  await t.rejects(play({ before: loggedIn, processes: [early] }), /does not name it/)
})

t.test('a session that does not look for its entry', async t => {
  const mutant: Mutant = ({ index: { entering } }) => { entering.confirm = async () => true }
  await t.rejects(play({ limit: 1, before: loggedIn, processes: [login, login], mutant }), /logins live/)
  await t.rejects(play({ isSlow: true, processes: [login, wait, sweep], mutant }), /does not name it/)
})

t.test('a move that takes no login along', async t => {
  const forgetful: Run = (process, [key]) => process.move(key as SessionKey, false)
  await t.rejects(play({ before: loggedIn, processes: [forgetful, revokeAll], mutant: looksForItsOwnEntry }), /lives after revokeAll/)
  await t.resolves(play({ before: loggedIn, processes: [move, revokeAll], mutant: looksForItsOwnEntry, preemptions: 1 }))
})

t.test('revokeAll that marks nothing', async t => {
  const unmarked: Run = async process => {
    const before = process.world.answeredWith(USER)
    for await (const { handle } of process.index.sessionsOf('user', USER)) await process.index.revoke(handle)
    process.world.revoked(before, process.index.labels.of('user', USER))
  }
  await t.rejects(play({ before: loggedIn, processes: [move, unmarked] }), /lives after revokeAll/)
})

t.test('a switch that comes second and takes the entry of the first with it', async t => {
  const mutant: Mutant = ({ index: { entering }, store }) => {
    const leave = entering.leave.bind(entering)
    entering.leave = async (name, places) => {
      for (const { label } of places) {
        const list = await store.companion().records.read(listName(label))
        const own = list === null ? [] : decodeList(list.text).entries.filter(({ handle }) => handle === sessionHandle(name))
        await leave(name, own.map(({ login }) => ({ label, login })))
      }
    }
  }
  await t.rejects(play({ before: loggedIn, processes: [switchUser, switchUser, revokeAll], preemptions: 1, mutant }), /does not name it/)
})

t.test('a sweep that does not mind how old an entry is', async t => {
  const hasty: Run = async process => {
    await new SessionIndex(process.store, () => process.world.shared.now + 3600_000, async () => {}).sweep()
  }
  await t.rejects(play({ processes: [login, hasty] }), /does not name it/)
})
