import t from 'tap'
import { change, leavesFormerListAtOnce, list, loggedIn, move, play, playAll, renew, revokeAll, type Game } from '../support/index-games'

// While a secret is changed, a process that lists the newer one first works beside one that lists it last.
const MIXED = { isRotated: true, isMixed: true, before: loggedIn }
const GAMES: Record<string, Game> = {
  'a save and revokeAll': { ...MIXED, processes: [change, revokeAll], crashes: 1, preemptions: 1 },
  'a move and revokeAll': { ...MIXED, processes: [move, revokeAll], crashes: 1, preemptions: 1 },
  'a renewal and revokeAll': { ...MIXED, processes: [renew, revokeAll], crashes: 1, preemptions: 1 },
  'two saves that bring the same new label': { isRotated: true, before: loggedIn, processes: [change, change] },
  'two saves, there and back, and revokeAll': { ...MIXED, processes: [change, change, revokeAll], preemptions: 1 },
  'two saves, there and back, and a listing': { ...MIXED, processes: [change, change, list], preemptions: 1 },
  'a save and a listing': { ...MIXED, processes: [change, list] },
  'a move and a listing': { ...MIXED, processes: [move, list], preemptions: 2 },
  'a renewal and a listing': { ...MIXED, processes: [renew, list], preemptions: 2 }
}

playAll(t, GAMES)

t.test('the search finds a session that leaves the list of its former label at once', async t => {
  await t.rejects(play({ ...MIXED, processes: [change, revokeAll], mutant: leavesFormerListAtOnce }), /lives after revokeAll/)
})
