import t from 'tap'
import { IndexEntering } from '../../lib/store/index-entering'
import { change, loggedIn, login, play, revokeAll, type Game } from '../support/index-games'

async function search (game: Game): Promise<number> {
  return (await play({ isMixed: true, limit: 1, preemptions: 2, ...game })).states
}

t.test('logins of processes that write under different secrets stay within the limit', async t => {
  t.ok(await search({ before: loggedIn, processes: [login, login] }) > 100)
  t.ok(await search({ onLimit: 'refuse', processes: [login, login] }) > 100)
  t.ok(await search({ onLimit: 'refuse', before: loggedIn, processes: [login] }) > 2)
})

t.test('the search finds logins that are counted under one secret only', async t => {
  const { confirm } = IndexEntering.prototype
  type Places = Parameters<typeof confirm>[1]
  const alone = (places: Places): Places => places.map(place => ({ ...place, others: undefined }))
  t.intercept(IndexEntering.prototype, 'enter', {
    value: async function (this: IndexEntering, name: string, places: Places, idleTimeout: number | undefined) {
      return await this.enterSealed(name, alone(places), idleTimeout, undefined)
    }
  })
  t.intercept(IndexEntering.prototype, 'confirm', {
    value: async function (this: IndexEntering, name: string, places: Places, since: number) {
      return await confirm.call(this, name, alone(places), since)
    }
  })
  await t.rejects(search({ processes: [login, login] }), /logins live/)
  await t.rejects(search({ onLimit: 'refuse', processes: [login, login] }), /logins live/)
})

t.test('a session that gets a label while the lists are read in the other order is not missed by revokeAll', async t => {
  t.ok(await search({ before: loggedIn, processes: [change, revokeAll] }) > 50)
})
