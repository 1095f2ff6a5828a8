import { LRUCache } from 'lru-cache'
import { JsonSlices, SHORTEST_SLICED } from './json-slices'

/** Texts are remembered up to this size (characters, and what their slices take). */
const SIZE = 8 * 1024 * 1024
const SLICE_SIZE = 64

interface Sliced {
  readonly text: string
  readonly slices: JsonSlices | null
}

/** The slices of the large texts that were used last, by the names of their sessions: each text is cut once. */
export class SlicedTexts {
  readonly #known = new LRUCache<string, Sliced>({
    maxSize: SIZE,
    sizeCalculation: ({ text, slices }) => text.length + SLICE_SIZE * (slices?.slices.size ?? 0)
  })

  /** Returns the slices of a session's text; null for one that is to be parsed as a whole. */
  of (name: string, text: string): JsonSlices | null {
    if (text.length < SHORTEST_SLICED) return null
    const known = this.#known.get(name)
    if (known?.text === text) return known.slices
    const slices = JsonSlices.of(text)
    this.#known.set(name, { text, slices })
    return slices
  }

  /** Takes note of the slices of a text that is about to be stored. */
  remember (name: string, slices: JsonSlices): void {
    if (this.#known.peek(name)?.slices !== slices) this.#known.set(name, { text: slices.text, slices })
  }
}
