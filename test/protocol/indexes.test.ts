import t from 'tap'
import { headerOf, type SessionKey } from '../../lib/session/opened-session'
import { decodeList } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { sessionHandle } from '../../lib/store/session-id'
import { SessionIndex } from '../../lib/store/session-index'
import type { Mutant } from '../support/indexed-world'
import { games, loggedIn, login, move, revokeAll, search, sweep, USER, wait, type Run } from './searches/indexes'

for (const [name, { options, test }] of Object.entries(games)) {
  if (test === undefined) continue
  t.test(name, async t => {
    const { states, runs } = await search(options, test)
    t.ok(states > 10, `${states} states, ${runs} runs`)
    t.comment(`${states} states, ${runs} runs`)
  })
}

t.test('the search finds an entry that is written after the session', async t => {
  const mutant: Mutant = ({ index: { entering } }) => {
    const enter = entering.enter.bind(entering)
    entering.enter = async () => true
    entering.confirm = async (name, places) => await enter(name, places, undefined, undefined)
  }
  await t.rejects(search({ processes: [login], mutant }), /does not name it/)
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
  await t.rejects(search({ before: loggedIn, processes: [early] }), /does not name it/)
})

t.test('a session that does not look for its entry', async t => {
  const mutant: Mutant = ({ index: { entering } }) => { entering.confirm = async () => true }
  await t.rejects(search({ limit: 1, before: loggedIn, processes: [login, login], mutant }), /logins live/)
  await t.rejects(search({ isSlow: true, processes: [login, wait, sweep], mutant }), /does not name it/)
})

t.test('a move that takes no login along', async t => {
  const forgetful: Run = (process, [key]) => process.move(key as SessionKey, false)
  // A session that looks for its entry ends what is marked beside it: without that the login alone tells.
  const mutant: Mutant = ({ index, store }) => {
    index.entering.confirm = async (name, [place]) => {
      const list = await store.companion().records.read(listName(place?.label ?? ''))
      return list !== null && decodeList(list.text).entries.some(entry => entry.handle === sessionHandle(name) && !entry.isEnded)
    }
  }
  await t.rejects(search({ before: loggedIn, processes: [forgetful, revokeAll], mutant }), /lives after revokeAll/)
  await t.resolves(search({ before: loggedIn, processes: [move, revokeAll], mutant }))
})

t.test('revokeAll that marks nothing', async t => {
  const unmarked: Run = async process => {
    const before = process.world.answeredWith(USER)
    for await (const { handle } of process.index.sessionsOf('user', USER)) await process.index.revoke(handle)
    process.world.revoked(before, process.index.labels.of('user', USER))
  }
  await t.rejects(search({ before: loggedIn, processes: [move, unmarked] }), /lives after revokeAll/)
})

t.test('a sweep that does not mind how old an entry is', async t => {
  const hasty: Run = async process => {
    await new SessionIndex(process.store, () => process.world.shared.now + 3600_000, async () => {}).sweep()
  }
  await t.rejects(search({ processes: [login, hasty] }), /does not name it/)
})
