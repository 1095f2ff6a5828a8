import { InvalidArgumentError } from 'commander'

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 24 * 3600 }

/** The seconds that `90s`, `30m`, `2h` or `7d` stand for. */
export function parseDuration (text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  const seconds = Number(number) * (SECONDS[unit] ?? 0)
  if (seconds > 0) return seconds
  throw new InvalidArgumentError('It must be a number above 0 and a unit, such as 90s, 30m, 2h or 7d.')
}

/** Milliseconds for people: `12s`, `5m 3s`, `2h 10m`, `3d 4h`. */
export function formatDuration (milliseconds: number): string {
  let seconds = Math.floor(milliseconds / 1000)
  const parts: string[] = []
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = SECONDS[unit] as number
    const count = Math.floor(seconds / size)
    seconds -= count * size
    if (count > 0 || (unit === 's' && parts.length === 0)) parts.push(`${count}${unit}`)
    else if (parts.length > 0) break
  }
  return parts.slice(0, 2).join(' ')
}
