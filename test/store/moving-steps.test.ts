import t from 'tap'
import { explore } from '../support/interleavings'
import { logout, movingWorld, regenerate, save, visit, type Program } from '../support/moving-world'

/** With three processes: `npm run protocol`, moving-stores.long.ts. */
const SCENARIOS: Array<[string, Program[]]> = [
  ['two requests move the session at once', [visit, visit]],
  ['two requests save at once', [save('a'), save('b')]],
  ['a save and a logout', [save('a'), logout]],
  ['a save and a regenerate', [save('a'), regenerate]],
  ['two logouts', [logout, logout]],
  ['two regenerates', [regenerate, regenerate]]
]

for (const [title, programs] of SCENARIOS) {
  t.test(`${title}, in every order, and one of them may crash`, async t => {
    const { states } = await explore(movingWorld(programs), { crashes: 1, mayCrash: [0, 1] })
    t.ok(states > 20, `${states} states`)
  })
}
