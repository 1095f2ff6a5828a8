/** Sessions in PostgreSQL. */

export { PostgresSessionStore } from './lib/store/postgres/postgres-session-store'
export { postgresSchema } from './lib/store/postgres/schema'
export type { PostgresClient, PostgresSessionStoreOptions, PostgresTable, PostgresValue } from './lib/store/postgres/options'

export { SessionError, SessionStoreError } from './lib/errors'
