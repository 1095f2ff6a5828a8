import t from 'tap'
import { change, list, loggedIn, login, logOut, move, playAll, renew, revoke, revokeAll, switchAgain, switchUser, type Game } from '../../support/index-games'

const GAMES: Record<string, Game> = {
  'a move and revokeAll, a crash': { before: loggedIn, processes: [move, revokeAll], crashes: 1 },
  'a login and revokeAll, a crash': { before: loggedIn, processes: [login, revokeAll], crashes: 1 },
  'a save after the secret of the server changed, and revokeAll, a crash': { isRotated: true, before: loggedIn, processes: [change, revokeAll], crashes: 1 },
  'a move after the secret of the server changed, and revokeAll, a crash and three interruptions': { isRotated: true, before: loggedIn, processes: [move, revokeAll], crashes: 1, preemptions: 3 },
  'a move and a revoke by the handle, a crash': { before: loggedIn, processes: [move, revoke], crashes: 1, preemptions: 3 },
  'a renewal and revokeAll, a crash': { before: loggedIn, processes: [renew, revokeAll], crashes: 1 },
  'a renewal and a revoke by the handle, a crash and three interruptions': { before: loggedIn, processes: [renew, revoke], crashes: 1, preemptions: 3 },
  'two renewals and revokeAll, a crash and an interruption': { before: loggedIn, processes: [renew, renew, revokeAll], crashes: 1, preemptions: 1 },
  'two renewals and a logout, a crash and two interruptions': { before: loggedIn, processes: [renew, renew, logOut], crashes: 1, preemptions: 2 },
  'a renewal, a save and a revoke by the handle, two interruptions': { before: loggedIn, processes: [renew, change, revoke], preemptions: 2 },
  'two moves beside revokeAll, two interruptions': { before: loggedIn, processes: [move, move, revokeAll], preemptions: 2 },
  'two switches of the user beside revokeAll, a crash and two interruptions': { before: loggedIn, processes: [switchUser, switchAgain, revokeAll], crashes: 1, preemptions: 2 },
  'two switches to the same user beside revokeAll, two interruptions': { before: loggedIn, processes: [switchUser, switchUser, revokeAll], preemptions: 2 },
  'a login, a switch of the user and revokeAll, two interruptions': { before: loggedIn, processes: [login, switchUser, revokeAll], preemptions: 2 },
  'a limit with two logins, a crash and two interruptions': { limit: 1, before: loggedIn, processes: [login, login], crashes: 1, preemptions: 2 },
  'a limit with two logins beside revokeAll, one interruption': { limit: 1, before: loggedIn, processes: [login, login, revokeAll], preemptions: 1 },
  'a limit with three logins, a crash and two interruptions': { limit: 2, processes: [login, login, login], crashes: 1, preemptions: 2 },
  'a limit that refuses, with three logins, a crash and three interruptions': { limit: 2, onLimit: 'refuse', processes: [login, login, login], crashes: 1, preemptions: 3 },
  'a move while the secret changes beside revokeAll, a crash and two interruptions': { isRotated: true, isMixed: true, before: loggedIn, processes: [move, revokeAll], crashes: 1, preemptions: 2 },
  'two saves while the secret changes beside revokeAll, two interruptions': { isRotated: true, isMixed: true, before: loggedIn, processes: [change, change, revokeAll], preemptions: 2 },
  'a listing beside two moves, two interruptions': { before: loggedIn, processes: [list, move, move], preemptions: 2 },
  'a listing beside two renewals, a crash and an interruption': { before: loggedIn, processes: [list, renew, renew], crashes: 1, preemptions: 1 },
  'a listing beside a move after the secret of the server changed and a save, two interruptions': { isRotated: true, before: loggedIn, processes: [list, move, change], preemptions: 2 }
}

playAll(t, GAMES, 100)
