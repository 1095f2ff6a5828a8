import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { isSessionId } from '../store/session-id'
import { UsageError } from './usage'

/** What stands in a command line, other users can see while it runs, and a shell remembers: `-` reads standard input. */
const STANDARD_INPUT = '-'

/** Returns the id that was given. @throws {UsageError} when there is none */
export async function givenId (argument: string, input: Readable): Promise<string> {
  const isInput = argument === STANDARD_INPUT
  const id = isInput ? (await text(input)).trim() : argument
  if (id === '') throw new UsageError(isInput ? 'there is no id on standard input: it is empty' : 'the id is empty')
  return id
}

/**
 * Says how a text that names no session may have come from a cookie that holds more than the id; null
 * when it does not look so. Repeats nothing of the text.
 */
export function pastedWrongly (text: string): string | null {
  if (/^s(:|%3a)/i.test(text)) return 'it begins with "s:", as a cookie of express-session does: give what stands between that and the last dot'
  if (/^[^=;\s]+=|;/.test(text)) return 'it looks like a whole Cookie header: give the value of one cookie, without its name and without ";"'
  if (/%[0-9a-f]{2}/i.test(text)) return 'it is URL-encoded, as browsers show cookies: decode it, such as %2B to + and %2F to /'
  if (/^[^.]+\.[A-Za-z0-9+/_=-]{27,}$/.test(text)) return 'it looks like a signed cookie: give what stands before the last dot'
  if (!isSessionId(text)) return 'it is too long for an id'
  return null
}
