import t from 'tap'
import { moves, search } from '../protocol/searches/moving-stores'

/** In every order, and with three processes: `npm run protocol`, moving-stores.long.ts. */
for (const [who, move] of Object.entries(moves)) {
  const { test } = move
  if (test === undefined) continue
  t.test(`${who}, in every order${test.preemptions === undefined ? '' : ` with ${test.preemptions} interruptions`}, and one of them may crash`, async t => {
    const { states } = await search(move, test)
    t.ok(states > 20, `${states} states`)
  })
}
