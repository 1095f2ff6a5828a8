import t from 'tap'
import { explore } from '../support/interleavings'
import { logout, regenerate, renew, renewingWorld, request, save, type Mutant, type RenewingProgram } from '../support/renewing-world'

const worlds: Array<[name: string, programs: RenewingProgram[]]> = [
  ['two renewals', [renew, renew]],
  ['three renewals', [renew, renew, renew]],
  ['a renewal and a save', [renew, save('a')]],
  ['a renewal and two saves', [renew, save('a'), save('b')]],
  ['two renewals and a save', [renew, renew, save('a')]],
  ['a renewal and a logout', [renew, logout]],
  ['two renewals and a logout', [renew, renew, logout]],
  ['a renewal, a save and a logout', [renew, save('a'), logout]],
  ['a renewal and a regenerate', [renew, regenerate]],
  ['a renewal, a save and a regenerate', [renew, save('a'), regenerate]],
  ['a renewal, a logout and a regenerate', [renew, logout, regenerate]],
  ['a renewal, a save and a later request', [renew, save('a'), request]]
]

for (const [name, programs] of worlds) {
  t.test(`${name}, in every order`, async t => {
    const { runs, states } = await explore(renewingWorld(programs))
    t.comment(`${runs} runs, ${states} states`)
    t.ok(runs > 1)
  })
}

t.test('a process that is killed leaves nothing but a session that no id leads to', async t => {
  for (const programs of [[renew, renew], [renew, save('a')], [renew, logout], [renew, regenerate]]) {
    const { runs } = await explore(renewingWorld(programs, 'none', 1), { crashes: 1, mayCrash: programs.map((_, index) => index) })
    t.ok(runs > 1)
  }
})

t.test('a rule of the design that is broken is noticed', async t => {
  const mutants: Array<[mutant: Mutant, programs: RenewingProgram[], message: RegExp]> = [
    ['removes the old session', [renew, request], /a session that no request ended is gone/],
    ['forwards without comparing', [renew, save('a')], /the save of a is lost/],
    ['ends the old id only', [renew, logout], /sessions are left behind|that had ended is back/],
    ['keeps what it made', [renew, renew], /sessions are left behind/],
    ['does not follow', [renew, save('a')], /takes a session for ended/]
  ]
  for (const [mutant, programs, message] of mutants) {
    await t.rejects(explore(renewingWorld(programs, mutant)), { message }, mutant)
  }
})
