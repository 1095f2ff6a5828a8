import { inspect } from 'node:util'

const WITHHELD = '<session id>'

/**
 * Returns the error as it may be logged: another package's error may quote the session's id, as in a
 * file name. Returns the same error if it does not.
 */
export function withholdId (error: unknown, sesid: string): unknown {
  if (!inspect(error, { depth: 5 }).includes(sesid)) return error
  const withhold = (text: string): string => text.replaceAll(sesid, WITHHELD)
  if (!(error instanceof Error)) return withhold(inspect(error, { depth: 5 }))
  const told = new Error(withhold(error.message), { cause: withholdId(error.cause, sesid) })
  told.name = error.name
  told.stack = withhold(String(error.stack))
  const { code } = error as NodeJS.ErrnoException
  return code === undefined ? told : Object.assign(told, { code })
}
