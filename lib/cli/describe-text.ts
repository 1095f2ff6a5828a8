import { departed, reservedBy } from '../store/moving-marks'
import { describeSealed, type SealedText } from '../store/sealed-text'

/** What the text of a session is, as far as the command can tell without the app's codec. */
export interface TextDescription {
  /** `plain`: what the codec wrote. `moving`: the session is on its way between two stores, encrypted or not. */
  readonly format: 'plain' | 'encrypted' | 'moving'
  /** How it is encrypted; null when it is not. */
  readonly sealed: SealedText | null
  /** The text itself, as it is stored; null when there is none. */
  readonly text: string | null
}

/** Describes the text that a store keeps. All commands go by this. */
export function describeText (text: string): TextDescription {
  if (reservedBy(text) !== null) return { format: 'moving', sealed: null, text: null }
  const left = departed(text)
  if (left !== null) return { format: 'moving', sealed: describeSealed(left.text), text: left.text }
  const sealed = describeSealed(text)
  return { format: sealed === null ? 'plain' : 'encrypted', sealed, text }
}
