/**
 * A row of the server's answer. `about` has words: the first is what the server's clock showed, in
 * milliseconds since 1970, or `standby`.
 */
export interface Answer { readonly about: string }

/** In place of the clock of a server that may be behind the primary. */
export const STANDBY = 'standby'

/** Returns what the server's clock showed; NaN for a standby. */
export function clockOf ({ about }: Answer): number {
  const end = about.indexOf(' ')
  return Number(end === -1 ? about : about.slice(0, end))
}
