import t from 'tap'
import { moves, search } from '../searches/moving-stores'

for (const [who, move] of Object.entries(moves)) {
  const { long } = move
  if (long === undefined) continue
  t.test(`${who}, in every order`, async t => {
    const { states, runs } = await search(move, long)
    t.ok(states > (move.programs.length > 2 ? 1000 : 20), `${states} states, ${runs} orders`)
  })
}
