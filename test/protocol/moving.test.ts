import { destroyer, regenerator, remover, storeReader } from './ending-actors'
import { endingRules } from './ending-rules'
import { everyStart } from './report'
import { writer } from './scenario'

const ending = { rulesOf: endingRules, deadLock: 1 }

// More interruptions are for `npm run protocol`.
everyStart('a move beside a writer, a crash and a torn record: every order with two interruptions',
  () => [regenerator('P'), writer('A', 'a')], { crashes: 1, stalls: 0, tears: 1, preemptions: 2 }, ending)

everyStart('a move beside a writer, a crash and a stall: every order with one interruption',
  () => [regenerator('P'), writer('A', 'ab')], { crashes: 1, stalls: 1, tears: 0, preemptions: 1 }, ending)

everyStart('two moves, a crash and a torn record: every order with two interruptions',
  () => [regenerator('P'), regenerator('Q')], { crashes: 1, stalls: 0, tears: 1, preemptions: 2 }, ending)

everyStart('a move beside a destroyer, a crash, a stall and a torn record: every order with two interruptions',
  () => [regenerator('P'), destroyer('D')], { crashes: 1, stalls: 1, tears: 1, preemptions: 2 }, ending)

everyStart('a move beside a remover, a crash and a torn record: every order with two interruptions',
  () => [regenerator('P'), remover('E')], { crashes: 1, stalls: 0, tears: 1, preemptions: 2 }, ending)

everyStart('two removers, a crash, a stall and a torn record: every order with one interruption',
  () => [remover('E'), remover('F')], { crashes: 1, stalls: 1, tears: 1, preemptions: 1 }, ending)

everyStart('a remover beside a writer, a crash and a torn record: every order with two interruptions',
  () => [remover('E'), writer('A', 'a')], { crashes: 1, stalls: 0, tears: 1, preemptions: 2 }, ending)

everyStart('a remover beside a destroyer, a crash and a torn record: every order with two interruptions',
  () => [remover('E'), destroyer('D')], { crashes: 1, stalls: 0, tears: 1, preemptions: 2 }, ending)

everyStart('a remover beside a reader, a crash, a stall and a torn record: every order',
  () => [remover('E'), storeReader('R')], { crashes: 1, stalls: 1, tears: 1 }, ending)

everyStart('a move, a destroyer and a writer, a crash: every order with one interruption',
  () => [regenerator('P'), destroyer('D'), writer('A', 'a')], { crashes: 1, stalls: 0, tears: 0, preemptions: 1 }, ending)
