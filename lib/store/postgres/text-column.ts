/** A text that a column of PostgreSQL can hold: any but one with the character U+0000. */

/** A text that begins with this character is in the column as JSON, after the character. */
const ESCAPED = '\u0001'

/** Returns what is kept of the text. */
export function toColumn (text: string): string {
  return text.startsWith(ESCAPED) || text.includes('\0') ? ESCAPED + JSON.stringify(text) : text
}

/** Returns the text that is kept so. */
export function fromColumn (kept: string): string {
  return kept.startsWith(ESCAPED) ? JSON.parse(kept.slice(1)) as string : kept
}
