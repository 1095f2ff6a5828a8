import { conformance } from '../../lib/conformance/conformance'
import type { ConformanceOptions } from '../../lib/conformance/options'
import type { StoreFeatures } from '../../lib/store/session-store'
import { MemoryStore, type DocumentedOptions, type Entry } from './documented-store'

/** What happens to the stores of one place. */
export interface Place {
  readonly memory: Map<string, Entry>
  isFailing: boolean
}

/** The documented store, with a place to break it at. */
export class PlacedStore extends MemoryStore {
  readonly memory: Map<string, Entry>

  constructor (readonly place: Place, options: DocumentedOptions) {
    super({ ...options, memory: place.memory })
    this.memory = place.memory
  }
}

export const FEATURES: StoreFeatures = { records: true, iterable: true, readable: true, reapable: true, portable: true }

export type PlacedClass = new (place: Place, options: DocumentedOptions) => InstanceType<typeof MemoryStore>

/** Returns the options with which the suite checks stores of this class. */
export function optionsFor (Store: PlacedClass): Omit<ConformanceOptions, 'test'> {
  const places = new Map<string, Place>()
  const at = (name: string): Place => {
    const place = places.get(name) ?? { memory: new Map<string, Entry>(), isFailing: false }
    places.set(name, place)
    return place
  }
  return {
    features: FEATURES,
    makeStore: ({ place, ...setup }) => new Store(at(place), setup),
    age (place, name, milliseconds) {
      const entry = at(place).memory.get(name)
      if (entry === undefined) return
      entry.createdAt -= milliseconds
      entry.lastAccess -= milliseconds
    },
    dump: place => Buffer.from(JSON.stringify([...at(place).memory])),
    fail: place => { at(place).isFailing = true },
    dispose: place => { places.delete(place) }
  }
}

/** Runs the checks with these sentences, or all, and returns the failures by sentence. */
export async function failuresOf (options: Omit<ConformanceOptions, 'test'>, only?: readonly string[]): Promise<Map<string, Error>> {
  const runs = new Map<string, () => Promise<void>>()
  conformance({ ...options, test: (name, run) => { runs.set(name, run) } })
  const failures = new Map<string, Error>()
  for (const [name, run] of runs) {
    if (only !== undefined && !only.includes(name)) continue
    await run().catch((error: unknown) => { failures.set(name, error as Error) })
  }
  return failures
}
