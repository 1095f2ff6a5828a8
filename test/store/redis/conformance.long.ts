import t from 'tap'
import { SINGLE } from '../../support/redis-clients'
import { redisConformance } from '../../support/redis-conformance'

for (const [client, connect] of Object.entries(SINGLE)) {
  // That one is in conformance.test.ts.
  if (client !== 'redis 6') redisConformance(t, client, connect)
}
