import { randomText } from '../random'

/** An id that nobody can guess: 192 random bits. */
export function randomId (): string {
  return randomText(24, 'base64url')
}
