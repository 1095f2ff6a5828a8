/** A text that begins with this character is in the column as JSON, after the character. */
const ESCAPED = '\u0001'
/** What cannot be in the column as it is: PostgreSQL has no U+0000, and PGlite drops a byte order mark at the beginning. */
// eslint-disable-next-line no-control-regex
const UNFIT = /^[\u0001\ufeff]|\u0000/

/** Returns what is kept of the text in a column. */
export function toColumn (text: string): string {
  return UNFIT.test(text) ? ESCAPED + JSON.stringify(text) : text
}

/** Returns the text that is kept so. */
export function fromColumn (kept: string): string {
  return kept.startsWith(ESCAPED) ? JSON.parse(kept.slice(1)) as string : kept
}
