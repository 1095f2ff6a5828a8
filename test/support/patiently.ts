import { setImmediate as turn } from 'node:timers/promises'

/**
 * Asks a store until it got its answer in time. A store with a short timeout, as tests of servers that do
 * not answer have it, may not get it the first time on a machine that is busy.
 */
export async function patiently<T> (call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!/did not answer in time|TIMEOUT|no answer for/.test((error as Error).message)) throw error
      await turn()
    }
  }
}
