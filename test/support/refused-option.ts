import type { Test } from 'tap'
import { SessionError } from '../../lib/errors'

/** The call is to throw an error that names this option. */
export function refusesOption (t: Test, make: () => unknown, name: string): void {
  let error: unknown
  try {
    make()
  } catch (thrown) {
    error = thrown
  }
  t.ok(error instanceof SessionError, name)
  t.match(error, { code: 'SESSION_OPTION', message: `fastify-file-sessions: option ${name} ` })
}
