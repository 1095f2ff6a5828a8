import { departed, reservedBy } from '../store/moving-marks'

/** What the text of a session is, as far as the command can tell without the app's codec. */
export interface TextDescription {
  /** `plain`: what the codec wrote. `moving`: the session is on its way between two stores. */
  readonly format: 'plain' | 'moving'
  /** What `show` prints; null when there is nothing to print. */
  readonly text: string | null
}

/** Describes the text that a store keeps. All commands go by this. */
export function describeText (text: string): TextDescription {
  if (reservedBy(text) !== null) return { format: 'moving', text: null }
  const left = departed(text)
  return left === null ? { format: 'plain', text } : { format: 'moving', text: left.text }
}
