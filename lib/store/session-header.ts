/**
 * What is known of a session beside its data. It stands before the text, and can be read without the
 * session's id:
 *
 *     $ffh1$<JSON><newline><the text, encrypted or not>
 *
 * 1 is the number of the format. No JSON begins with `$`, and this JSON has no newline in it. An
 * encrypted text authenticates the header before it. A session of which nothing is known has none: its
 * text stands alone.
 */
export interface SessionHeader {
  /** The labels of the indexes that the session is in, each with the tag of the login that brought it there. */
  readonly indexed?: Readonly<Record<string, string>> | undefined
  /** When the visitor last proved who he is, in milliseconds since 1970. */
  readonly freshAt?: number | undefined
  /** When the session got its id, if it was renewed since it began, in milliseconds since 1970. */
  readonly renewedAt?: number | undefined
}

/** What every header begins with, of whatever format. */
const MARK = '$ffh'
const FORMAT = 1
const START = `${MARK}${FORMAT}$`
const NUMBER = /^\$ffh(\d{1,4})\$/
/** What a store returns as the text of a session whose record is damaged: it does not open, under any options. */
export const DAMAGED_TEXT = START
export const NO_HEADER: SessionHeader = Object.freeze({})
/** Bytes. Room for the labels of as many indexes as there may be, and for what else is known. */
export const LONGEST_HEADER = 4096

/** Whether a header stands before the text, whole or damaged, of this format or a newer one. */
export function isHeaded (stored: string): boolean {
  return stored.startsWith(MARK)
}

/** Returns the header of a stored text as it stands there, with its newline; '' when there is none. */
export function headOf (stored: string): string {
  return isHeaded(stored) ? stored.slice(0, endOfHead(stored)) : ''
}

/** Returns the text behind the header. */
export function bodyOf (stored: string): string {
  return isHeaded(stored) ? stored.slice(endOfHead(stored)) : stored
}

/** Returns what stands before a text; '' for a header that says nothing. */
export function headFor (header: SessionHeader): string {
  if (header === NO_HEADER) return ''
  const json = JSON.stringify(header)
  return json === '{}' ? '' : `${START}${json}\n`
}

/** Returns what the header of a stored text says; null for one that this version cannot read. */
export function headerOf (stored: string): SessionHeader | null {
  if (!isHeaded(stored)) return NO_HEADER
  const end = endOfHead(stored)
  if (end === 0) return null
  try {
    const header: unknown = JSON.parse(stored.slice(START.length, end))
    return typeof header === 'object' && header !== null && !Array.isArray(header) ? header : null
  } catch {
    return null
  }
}

/** Whether a newer version of this package wrote the header. */
export function isNewerHeader (stored: string): boolean {
  return isHeaded(stored) && Number(NUMBER.exec(stored)?.[1] ?? 0) > FORMAT
}

/** Returns where the text begins behind a header; 0 when the header has no end, or is of another format. */
function endOfHead (stored: string): number {
  return stored.startsWith(START) ? stored.indexOf('\n') + 1 : 0
}
