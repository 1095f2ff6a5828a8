import { postgresSchema } from '../store/postgres/schema'
import { printJson, type Terminal } from './terminal'

export interface SchemaOptions { table?: string, schema?: string, json?: boolean }

/** Prints the SQL that makes the table of PostgresSessionStore. */
export async function schema ({ json = false, ...names }: SchemaOptions, terminal: Terminal): Promise<number> {
  const sql = postgresSchema(names)
  if (json) printJson(terminal.out, { sql })
  else terminal.out.write(sql)
  return 0
}
