import t from 'tap'
import { games, search } from '../searches/indexes'

for (const [name, { options, long }] of Object.entries(games)) {
  t.test(name, async t => {
    const { states, runs } = await search(options, long)
    t.ok(states > 10, `${states} states, ${runs} runs`)
    t.comment(`${states} states, ${runs} runs`)
  })
}
