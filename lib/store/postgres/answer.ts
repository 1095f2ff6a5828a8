/**
 * A row of the server's answer. `about` has words: the first is what the server's clock showed, in
 * milliseconds since 1970, or `standby`.
 */
export interface Answer { readonly about: string }

/** In place of the clock of a server that may be behind the primary. */
export const STANDBY = 'standby'

/**
 * Returns what the server's clock showed.
 *
 * @throws when the answer comes from a standby, as the server's own error is when it takes no writes:
 * another connection may lead to the primary
 */
export function clockOf ({ about }: Answer): number {
  if (about.startsWith(STANDBY)) throw Object.assign(new Error('the server is a standby'), { code: '25006' })
  const end = about.indexOf(' ')
  return Number(end === -1 ? about : about.slice(0, end))
}
