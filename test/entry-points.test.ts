import t from 'tap'
import * as conformanceEntry from '../conformance'
import { conformance } from '../lib/conformance/conformance'
import { torture } from '../lib/conformance/torture'
import { SessionError, SessionStoreError } from '../lib/errors'
import { PostgresSessionStore } from '../lib/store/postgres/postgres-session-store'
import { postgresSchema } from '../lib/store/postgres/schema'
import { RedisSessionStore } from '../lib/store/redis/redis-session-store'
import * as postgresEntry from '../postgres'
import * as redisEntry from '../redis'

t.test('the entry points beside the main one export what their pages say', async t => {
  t.strictSame({ ...conformanceEntry }, { conformance, torture })
  t.strictSame({ ...postgresEntry }, { PostgresSessionStore, SessionError, SessionStoreError, postgresSchema })
  t.strictSame({ ...redisEntry }, { RedisSessionStore, SessionError, SessionStoreError })
})
