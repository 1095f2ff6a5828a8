/** C0, DEL and C1 control characters, line and paragraph separators, and what changes the direction of text. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/**
 * Returns the text with its control characters written as `\u001b`: a terminal or a log viewer that
 * shows it then does not obey it, and one line stays one line. JSON stays the same JSON.
 */
export function printable (text: string): string {
  return text.replace(CONTROL, escaped)
}

/** Returns the same, but keeps tabs and line feeds: for text that may have several lines. */
export function printableLines (text: string): string {
  return text.replace(CONTROL, character => character === '\n' || character === '\t' ? character : escaped(character))
}

function escaped (character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
