import t from 'tap'
import type { Place } from '../../lib/store/index-entry'
import type { Mutant } from '../support/indexed-process'
import { logInByMove, loggedInBefore, login, play, playAll, renew, revokeAll, save, visited, visit, type Game } from '../support/index-games'

// A form that a visitor sends twice, to two processes. More interruptions are for `npm run protocol`.
const TWICE = { limit: 1, logins: 1, before: visited }
const GAMES: Record<string, Game> = {
  'a form that is sent twice': { ...TWICE, processes: [logInByMove, logInByMove], preemptions: 3 },
  'a form that is sent twice while another device may stay': { limit: 2, logins: 2, before: loggedInBefore, processes: [logInByMove, logInByMove], preemptions: 2 },
  'a form that is sent twice beside a login': { ...TWICE, processes: [logInByMove, logInByMove, login], preemptions: 1 },
  'a form that is sent thrice': { ...TWICE, processes: [logInByMove, logInByMove, logInByMove], preemptions: 1 },
  'a form that is sent twice, and one of both changes no id': { ...TWICE, processes: [logInByMove, save], preemptions: 3 },
  'a form that is sent twice while the id is renewed': { ...TWICE, processes: [logInByMove, save, renew], preemptions: 2 },
  'a form that is sent twice where a login may be refused': { ...TWICE, onLimit: 'refuse', processes: [logInByMove, logInByMove], preemptions: 3 },
  'a form that is sent while another request saves': { ...TWICE, processes: [logInByMove, visit], preemptions: 3 },
  'a form that is sent twice, and revokeAll': { limit: 1, before: visited, processes: [logInByMove, logInByMove, revokeAll], preemptions: 1 },
  'a form that is sent twice, and a crash': { limit: 1, before: loggedInBefore, processes: [logInByMove, logInByMove], crashes: 1, preemptions: 1 },
  'a form that is sent twice while a secret is changed': { ...TWICE, isMixed: true, processes: [logInByMove, logInByMove], preemptions: 2 }
}

playAll(t, GAMES)

t.test('the search finds a login that ends others before its move is won', async t => {
  const mutant: Mutant = ({ index: { entering } }) => {
    const { enter, confirm } = entering
    const limits = new Map<string, Place['limit']>()
    entering.enter = (name, places, ...more) => {
      for (const { login, limit } of places) limits.set(login, limit)
      return enter.call(entering, name, places, ...more)
    }
    entering.confirm = (name, places, since) => confirm.call(entering, name, places.map(place => ({ ...place, limit: limits.get(place.login) })), since)
  }
  await t.rejects(play({ ...TWICE, processes: [logInByMove, logInByMove], preemptions: 2, mutant }), /0 logins are left/)
})
