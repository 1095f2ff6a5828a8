import type { UnopenedError } from '../unopened'
import type { SettledEncryption } from '../store/encryption-options'
import { NO_SECRET, type SealedText } from '../store/sealed-text'
import { SessionCipher } from '../store/session-cipher'

/** What a session's id and the secrets that were given open: the plain text, or why there is none. */
export type OpenedText = { readonly text: string } | { readonly text: null, readonly reason: string }

/** Opens an encrypted text of the session with this id. Without `encryption` the id alone has to do. */
export function openText (
  { appid, sesid, encryption }: { appid: string, sesid: string, encryption: SettledEncryption | undefined }, stored: string, sealed: SealedText
): OpenedText {
  const cipher = new SessionCipher(appid, encryption ?? { secrets: undefined, acceptPlain: true, writePlain: true })
  let opened: OpenedText
  try {
    opened = { text: cipher.open(sesid, stored) }
  } catch (error) {
    opened = { text: null, reason: reasonFor(error as UnopenedError, sealed, encryption !== undefined) }
  }
  cipher.clear()
  return opened
}

function reasonFor ({ reason, message }: UnopenedError, { keyId }: SealedText, hasSecrets: boolean): string {
  if (reason !== 'unlisted' || keyId === NO_SECRET) return message
  return hasSecrets
    ? `the session is encrypted under secret ${keyId}, which is not in the file of secrets`
    : `the session is encrypted under secret ${keyId} of the app: name a file that holds it with --secrets <file>`
}
