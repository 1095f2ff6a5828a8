import t from 'tap'
import { destroyer, regenerator, remover, storeReader } from './ending-actors'
import { endingRules } from './ending-rules'
import { everyStart } from './report'
import { writer } from './scenario'

t.setTimeout(600_000)

everyStart('M1 a move beside a writer', () => [regenerator('P'), writer('A', 'ab')],
  { crashes: 1, stalls: 1, tears: 0, preemptions: 3 }, endingRules)
everyStart('M1t a move beside a writer, tears', () => [regenerator('P'), writer('A', 'a')],
  { crashes: 1, stalls: 0, tears: 1, preemptions: 3 }, endingRules)
everyStart('M2 two moves', () => [regenerator('P'), regenerator('Q')],
  { crashes: 1, stalls: 1, tears: 1, preemptions: 3 }, endingRules)
everyStart('M3 a move beside a destroyer', () => [regenerator('P'), destroyer('D')],
  { crashes: 1, stalls: 1, tears: 1, preemptions: 3 }, endingRules)
everyStart('M4 a move beside a remover', () => [regenerator('P'), remover('E')],
  { crashes: 1, stalls: 1, tears: 1, preemptions: 3 }, endingRules)
everyStart('M5 two removers', () => [remover('E'), remover('F')], { crashes: 1, stalls: 1, tears: 1, preemptions: 3 }, endingRules)
everyStart('M6 a remover and a writer', () => [remover('E'), writer('A', 'ab')], { crashes: 1, stalls: 1, tears: 1, preemptions: 3 }, endingRules)
everyStart('M7 a remover and a destroyer', () => [remover('E'), destroyer('D')], { crashes: 1, stalls: 1, tears: 1, preemptions: 3 }, endingRules)
everyStart('M8 a remover and a reader', () => [remover('E'), storeReader('R')], { crashes: 1, stalls: 1, tears: 1, preemptions: 3 }, endingRules)
everyStart('M9 move, writer, destroyer', () => [regenerator('P'), writer('A', 'a'), destroyer('D')], { crashes: 1, stalls: 1, tears: 0, preemptions: 2 }, endingRules)
everyStart('M10 two moves, a writer', () => [regenerator('P'), regenerator('Q'), writer('A', 'a')], { crashes: 1, stalls: 1, tears: 0, preemptions: 2 }, endingRules)
