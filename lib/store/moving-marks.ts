import { randomText } from '../random'

/**
 * What stands in place of a session's text while the session moves from one store to another.
 *
 * The first line is a random constant of this package. No codec writes it by accident, and
 * `MovingSessionStore` refuses a text that begins with it.
 */
const MARK = 'fastify-file-sessions moves this session 7c1f06a94e2bd85310f6e4b97a83c52d'
const RESERVED = new RegExp(`^${MARK}\nhere ([0-9a-f]{32})$`)
const MOVED = new RegExp(`^${MARK}\naway ([0-9a-f]{32})\n`)
const TOKEN_BYTES = 16

/** Returns a token that no other move has. */
export function newMoveToken (): string {
  return randomText(TOKEN_BYTES, 'hex')
}

/** Whether the text begins as a mark does. */
export function looksMarked (text: string): boolean {
  return text.startsWith(MARK)
}

/** Returns the mark in the new store: the session may come here, by the move with this token. */
export function reservation (token: string): string {
  return `${MARK}\nhere ${token}`
}

/** Returns the token of a reservation; null for any other text. */
export function reservedBy (text: string): string | null {
  return RESERVED.exec(text)?.[1] ?? null
}

/** Returns the mark in the old store: the session has left, by the move with this token, with this text. */
export function departure (token: string, text: string): string {
  return `${MARK}\naway ${token}\n${text}`
}

/** Returns the token of a departure and the session's text; null for any other text. */
export function departed (text: string): { token: string, text: string } | null {
  const match = MOVED.exec(text)
  return match === null ? null : { token: match[1] as string, text: text.slice(match[0].length) }
}
