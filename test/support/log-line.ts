import type { LogLine } from './serve'

/** Returns the first line of the log that matches, as soon as it is there. */
export async function lineIn (log: LogLine[], pattern: RegExp): Promise<LogLine> {
  return await new Promise(resolve => {
    const found = log.find(({ msg }) => pattern.test(msg))
    if (found !== undefined) return resolve(found)
    log.push = function (...lines: LogLine[]): number {
      const line = lines.find(({ msg }) => pattern.test(msg))
      if (line !== undefined) resolve(line)
      return Array.prototype.push.apply(this, lines) as number
    }
  })
}
