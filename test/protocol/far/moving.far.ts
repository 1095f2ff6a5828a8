import { destroyer, regenerator, remover } from '../ending-actors'
import { endingRules } from '../ending-rules'
import { everyStart } from '../report'
import { writer } from '../scenario'

const ending = { rulesOf: endingRules, deadLock: 3 }

everyStart('a move beside a writer, a crash and a torn record: every order with four interruptions',
  () => [regenerator('P'), writer('A', 'ab')], { crashes: 1, stalls: 0, tears: 1, preemptions: 4 }, ending)

everyStart('two moves, a crash, a stall and a torn record: every order with four interruptions',
  () => [regenerator('P'), regenerator('Q')], { crashes: 1, stalls: 1, tears: 1, preemptions: 4 }, ending)

everyStart('a move beside a destroyer, a crash, a stall and a torn record: every order with four interruptions',
  () => [regenerator('P'), destroyer('D')], { crashes: 1, stalls: 1, tears: 1, preemptions: 4 }, ending)

everyStart('a move beside a remover, a crash, a stall and a torn record: every order with three interruptions',
  () => [regenerator('P'), remover('E')], { crashes: 1, stalls: 1, tears: 1, preemptions: 3 }, ending)

everyStart('a remover beside a writer, a crash, a stall and a torn record: every order with three interruptions',
  () => [remover('E'), writer('A', 'ab')], { crashes: 1, stalls: 1, tears: 1, preemptions: 3 }, ending)

everyStart('a move, a destroyer and a writer, a crash and a stall: every order with two interruptions',
  () => [regenerator('P'), destroyer('D'), writer('A', 'a')], { crashes: 1, stalls: 1, tears: 0, preemptions: 2 }, { ...ending, deadLock: 2 })

everyStart('two moves and a writer, a crash and a stall: every order with two interruptions',
  () => [regenerator('P'), regenerator('Q'), writer('A', 'a')], { crashes: 1, stalls: 1, tears: 0, preemptions: 2 }, { ...ending, deadLock: 1 })

everyStart('three moves, a crash: every order with two interruptions',
  () => [regenerator('P'), regenerator('Q'), regenerator('S')], { crashes: 1, stalls: 0, tears: 0, preemptions: 2 }, { ...ending, deadLock: 1 })
