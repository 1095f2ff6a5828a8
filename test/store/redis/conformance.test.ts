import t from 'tap'
import { SINGLE, type Connect } from '../../support/redis-clients'
import { redisConformance } from '../../support/redis-conformance'

/** With all clients: conformance.long.ts. */
redisConformance(t, 'redis 6', SINGLE['redis 6'] as Connect)
