import { SessionError } from '../errors'
import type { SettledEncryption } from '../store/encryption-options'
import { indexOfLabel } from '../store/index-labels'
import { headerOf } from '../store/session-header'
import { describeText } from './describe-text'
import { describedSeal, type Encrypted } from './encrypted-counts'
import type { AppidPlace } from './place'
import { printError, type Terminal } from './terminal'

/** Where nothing was found. */
export interface Sought { index: string, encryption: SettledEncryption | undefined }

/**
 * Looks why an index has named no session. Where values are hashed under a secret, nothing is found without
 * that. When no session is in the index at all, standard error says so.
 *
 * @throws {SessionError} when a secret is missing
 */
export async function explainNothing (place: AppidPlace, { index, encryption }: Sought, terminal: Terminal): Promise<void> {
  const encrypted = await firstIn(place, { index, encryption })
  if (encrypted === undefined) {
    printError(terminal, `no session of appid ${place.appid} is in an index ${index}: the names are those in the app's option indexes`)
  } else if (encrypted !== null && encrypted.secret !== null && encrypted.number === null) {
    throw new SessionError('SECRETS', encryption === undefined
      ? `the app hashes what is in the index ${index} under secret ${encrypted.secret}: name a file that holds it with --secrets <file>`
      : `the app hashes what is in the index ${index} under secret ${encrypted.secret}, which is not in the file of secrets`)
  }
}

/** Returns how the first session in the index is encrypted; null: it is not; `undefined`: there is none. */
async function firstIn (place: AppidPlace, { index, encryption }: Sought): Promise<Encrypted | null | undefined> {
  for await (const session of place.sessions(() => {})) {
    // What cannot be read says nothing.
    const text = session.name === undefined ? '' : session.text
    const labels = Object.keys(headerOf(text)?.indexed ?? {})
    if (!labels.some(label => indexOfLabel(label) === index)) continue
    const { sealed } = describeText(text)
    return sealed === null ? null : describedSeal(place.appid, sealed, encryption)
  }
  return undefined
}
