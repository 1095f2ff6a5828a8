import t, { type Test } from 'tap'
import { IndexEntering } from '../../lib/store/index-entering'
import { decodeList, newLogin } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { headFor } from '../../lib/store/session-header'
import { change, loggedIn, login, play, revokeAll, type Game } from '../support/index-games'
import { indexedStore } from '../support/indexed-store'

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

t.test('of old entries those count whose sessions live', async t => {
  const { store, index, label, time, login } = await indexedStore(t)
  await store.remove(await login('stale'))
  time.now += 11 * 60_000
  const enter = (id: string): Promise<boolean> =>
    index.entering.enter(store.nameOf(id), [{ label, login: newLogin(time.now), limit: 1, onLimit: 'refuse' }], undefined, undefined)
  t.equal(await enter('next'), true)
  await index.entering.leave(store.nameOf('next'), (await listed()).map(tag => ({ label, login: tag })))
  await login('alive')
  time.now += 11 * 60_000
  await t.rejects(enter('one more'), { code: 'SESSION_LIMIT' })

  async function listed (): Promise<string[]> {
    const list = await store.companion().records.read(listName(label))
    return decodeList(list?.text ?? '').entries.map(entry => entry.login)
  }
})

/** Of two logins one is held up before it stores its session, while the other one is made by a host whose clock is ahead. */
async function heldUp (t: Test, onLimit: 'end-oldest' | 'refuse') {
  const { store, index, label, time } = await indexedStore(t)
  const begin = async (id: string) => {
    const [name, since] = [store.nameOf(id), time.now]
    const place = { label, login: newLogin(time.now), limit: 1, onLimit } as const
    t.equal(await index.entering.enter(name, [place], undefined, undefined), true)
    return async (): Promise<boolean> => {
      await store.create(name, { text: `${headFor({ indexed: { [label]: place.login } })}{}` })
      const isConfirmed = await index.entering.confirm(name, [place], since)
      if (!isConfirmed) await store.remove(name)
      return isConfirmed
    }
  }
  const goOn = await begin('held up')
  time.now += 3 * 60_000
  const other = await (await begin('other'))()
  time.now -= 3 * 60_000
  const found = [other, await goOn()]
  const sessions = [await store.read(store.nameOf('held up')), await store.read(store.nameOf('other'))]
  return { found, living: sessions.map(session => session !== null) }
}

t.test('the limit holds when clocks differ, or a login takes long', async t => {
  t.strictSame(await heldUp(t, 'end-oldest'), { found: [true, true], living: [true, false] }, 'the one that is stored last stays')
  t.strictSame(await heldUp(t, 'refuse'), { found: [true, false], living: [false, true] }, 'one that did not count does not succeed later')
})
