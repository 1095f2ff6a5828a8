import t from 'tap'
import { decodeList } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { nameOfHandle } from '../../lib/store/session-id'
import { change, list, loggedIn, loggedInTwice, login, move, play, playAll, renew, switchUser, type Game, type Run } from '../support/index-games'
import { USER } from '../support/indexed-world'

// What has the value for as long as sessionsOf lasts must be listed, once. More interruptions are for `npm run protocol`.
const GAMES: Record<string, Game> = {
  'a session that moves': { before: loggedIn, processes: [list, move], crashes: 1 },
  'a session that is renewed': { before: loggedIn, processes: [list, renew], crashes: 1 },
  'a session that moves while another stays': { before: loggedInTwice, processes: [list, move] },
  'a session that stays while another switches the user': { before: loggedInTwice, processes: [list, switchUser] },
  'a session that gets the newest label': { isRotated: true, before: loggedIn, processes: [list, change] },
  'a session that moves and gets the newest label': { isRotated: true, before: loggedIn, processes: [list, move] },
  'a session that is renewed and gets the newest label': { isRotated: true, before: loggedIn, processes: [list, renew] },
  'a session that two requests renew': { before: loggedIn, processes: [list, renew, renew], preemptions: 1 },
  'a session that moves while another request saves': { before: loggedIn, processes: [list, move, change], preemptions: 1 },
  'a session that moves beside a login': { before: loggedIn, processes: [list, move, login], preemptions: 1 }
}

playAll(t, GAMES)

/** A listing that reads the list so often, and knows no logins. */
function readTimes (passes: number): Run {
  return async ({ index, store, world }) => {
    const labels = index.labels.of('user', USER)
    const listing = world.list(labels)
    const handles = new Set<string>()
    for (let pass = 0; pass < passes; pass++) {
      const text = (await store.companion().records.read(listName(labels[0])))?.text
      for (const { handle } of text === undefined ? [] : decodeList(text).entries) {
        if (await store.read(nameOfHandle(handle) ?? '') !== null) handles.add(handle)
      }
    }
    world.listed(listing, [...handles])
  }
}

t.test('the search finds a listing that looks once at a session which moves meanwhile', async t => {
  await t.rejects(play({ before: loggedIn, processes: [readTimes(1), move] }), /listed 0 times/)
})

t.test('a listing that shows a session with its old id and with its new one', async t => {
  await t.rejects(play({ before: loggedIn, processes: [readTimes(3), move] }), /listed 2 times/)
})
