import t from 'tap'
import { loggedIn, login, move, play, playAll, renew, type Game, type Run } from '../support/index-games'
import { USER } from '../support/indexed-world'
import type { Mutant } from '../support/indexed-process'

// Logins beyond the limit, all at once. More interruptions are for `npm run protocol`.
const GAMES: Record<string, Game> = {
  'two logins, of which one may be': { limit: 1, before: loggedIn, processes: [login, login], preemptions: 1 },
  'a login beyond the limit and a move': { limit: 1, before: loggedIn, processes: [login, move], crashes: 1, preemptions: 1 },
  'a login beyond the limit and a renewal': { limit: 1, before: loggedIn, processes: [login, renew], crashes: 1, preemptions: 1 },
  'three logins, of which two may be': { limit: 2, logins: 2, processes: [login, login, login], preemptions: 1 },
  'three logins, of which one may be': { limit: 1, logins: 1, processes: [login, login, login], preemptions: 1 },
  'three logins, of which two may be and one is refused': { limit: 2, logins: 2, onLimit: 'refuse', processes: [login, login, login], preemptions: 2 },
  'three logins, of which one may be and two are refused, and a crash': { limit: 1, onLimit: 'refuse', processes: [login, login, login], crashes: 1, preemptions: 2 }
}

playAll(t, GAMES)

t.test('the search finds a login that does not look whether it was ended', async t => {
  const mutant: Mutant = ({ index: { entering } }) => { entering.confirm = async () => true }
  await t.rejects(play({ limit: 2, processes: [login, login, login], preemptions: 1, mutant }), /logins live/)
})

t.test('a login that is refused by what it saw before it entered', async t => {
  const early: Run = async process => {
    const found: string[] = []
    for await (const { handle } of process.index.sessionsOf('user', USER)) found.push(handle)
    if (found.length === 0) await process.login(USER)
  }
  const mutant: Mutant = ({ index: { entering } }) => {
    const enter = entering.enter.bind(entering)
    entering.enter = (name, places, ...more) => enter(name, places.map(place => ({ ...place, limit: undefined })), ...more)
  }
  await t.rejects(play({ limit: 1, onLimit: 'refuse', processes: [early, early, early], preemptions: 1, mutant }), /logins live/)
})

t.test('a login that ends all others, not the oldest', async t => {
  const mutant: Mutant = ({ index: { entering } }) => {
    const confirm = entering.confirm.bind(entering)
    entering.confirm = (name, places, since) => confirm(name, places.map(place => ({ ...place, limit: 1 })), since)
  }
  await t.rejects(play({ limit: 2, logins: 2, processes: [login, login, login], preemptions: 1, mutant }), /logins are left/)
})
