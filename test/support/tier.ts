/** Whether this is a file of the long tier: one that imports a file of `npm test` runs the same tests more widely. */
export const isLong = /\.long\.ts$/.test(process.argv[1] ?? '')

/** Returns how often something random is tried, or how much is done, in `npm test` and in the long tier. */
export function rounds (short: number, long: number): number {
  return isLong ? long : short
}
