import { departed, reservedBy } from '../store/moving-marks'
import { describeSealed, type SealedText } from '../store/sealed-text'
import { bodyOf } from '../store/session-header'

/** What the text of a session is, as far as the command can tell without the app's codec. */
export interface TextDescription {
  /** `plain`: what the codec wrote. `moving`: the session is on its way between two stores, encrypted or not. */
  readonly format: 'plain' | 'encrypted' | 'moving'
  /** How it is encrypted; null when it is not. */
  readonly sealed: SealedText | null
  /** What the codec wrote, or the encrypted text as it is stored; null when there is none. */
  readonly text: string | null
}

/** Describes the text that a store keeps. All commands go by this. */
export function describeText (text: string): TextDescription {
  if (reservedBy(text) !== null) return { format: 'moving', sealed: null, text: null }
  const left = departed(text)
  if (left !== null) return { ...describeText(left.text), format: 'moving' }
  const sealed = describeSealed(text)
  return sealed === null ? { format: 'plain', sealed, text: bodyOf(text) } : { format: 'encrypted', sealed, text }
}
