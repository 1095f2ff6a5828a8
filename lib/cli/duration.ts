const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 24 * 3600 }
const BYTES: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2 }

/** The seconds that `90s`, `30m`, `2h` or `7d` stand for. */
export function parseDuration (text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  const seconds = Number(number) * (SECONDS[unit] ?? 0)
  if (seconds > 0) return seconds
  throw new Error('must be a number above 0 and a unit, such as 90s, 30m, 2h or 7d')
}

/** The bytes that `65536`, `64k` or `1m` stand for. */
export function parseSize (text: string): number {
  const [, number = '', unit = ''] = /^(\d+)([km]?)$/.exec(text.toLowerCase()) ?? []
  const bytes = Number(number) * (BYTES[unit] as number)
  if (bytes > 0) return bytes
  throw new Error('must be a number of bytes above 0, such as 65536, 64k or 1m')
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

/** Bytes for people: `512 B`, `1.5 KiB`, `3.0 GiB`. */
export function formatSize (bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  if (bytes < 1024) return `${bytes} B`
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length)
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1] as string}`
}
