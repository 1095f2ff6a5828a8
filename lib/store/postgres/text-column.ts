/** A text that begins with this character is in the column as JSON, after the character. */
const ESCAPED = '\u0001'
/** What cannot be in the column as it is: PostgreSQL has no U+0000, and PGlite drops a byte order mark at the beginning. */
// eslint-disable-next-line no-control-regex
const UNFIT = /^[\u0001\ufeff]|\u0000/

/** Returns what is kept of the text in a column. */
export function toColumn (text: string): string {
  return UNFIT.test(text) ? ESCAPED + JSON.stringify(text) : text
}

/** Returns the text that is kept so. What another program put there and is not JSON of a text is returned as it is. */
export function fromColumn (kept: string): string {
  return kept.startsWith(ESCAPED) ? parsed(kept.slice(1)) ?? kept : kept
}

function parsed (json: string): string | null {
  try {
    const text: unknown = JSON.parse(json)
    return typeof text === 'string' ? text : null
  } catch {
    return null
  }
}
