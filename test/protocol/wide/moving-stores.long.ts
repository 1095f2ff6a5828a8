import t from 'tap'
import { explore } from '../../support/interleavings'
import { logout, movingWorld, regenerate, save, saveInOldStore, visit, type Program } from '../../support/moving-world'

/** Three processes while a session moves between two stores, with crashes: minutes of searching. */

interface Options { mayCrash?: number[], most?: number }

const SCENARIOS: Array<[string, Program[], Options]> = [
  ['two requests move it and a third logs out', [visit, visit, logout], { mayCrash: [0, 1] }],
  ['a move, a save and a logout', [visit, save('a'), logout], { mayCrash: [0] }],
  ['a move, a save and a regenerate', [visit, save('a'), regenerate], {}],
  // A reservation that comes too late is no session, but `remove` without a version cannot tell.
  ['a move, a logout and a regenerate', [visit, logout, regenerate], { most: 2 }],
  ['a move, a save, and a save by a process that knows the old store alone', [visit, save('a'), saveInOldStore('b')], { mayCrash: [0] }]
]

for (const [title, programs, { mayCrash = [], most = 1 }] of SCENARIOS) {
  t.test(title, async t => {
    const { states, runs } = await explore(movingWorld(programs, most), { crashes: mayCrash.length > 0 ? 1 : 0, mayCrash })
    t.ok(states > 1000, `${states} states, ${runs} orders`)
  })
}
