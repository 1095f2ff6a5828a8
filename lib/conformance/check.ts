import type { StoreFeatures } from '../store/session-store'
import type { Bench } from './bench'

/** What a check needs: a feature that the store declares, or something that the suite was given. */
export type Need = keyof StoreFeatures | 'age' | 'dump' | 'fail' | 'maxSize'

/** One promise of `session-store.ts`, and how to find out whether a store keeps it. */
export interface Check {
  /** A sentence that says what the store promises. */
  readonly name: string
  readonly needs: readonly Need[]
  /** Rejects when the store does not keep the promise. */
  run (bench: Bench): Promise<void>
}

/** Makes a list of checks that need the same, each by its sentence. A check may need more. */
export function checks (needs: readonly Need[], runs: Record<string, Check['run'] | { needs: readonly Need[], run: Check['run'] }>): Check[] {
  return Object.entries(runs).map(([name, check]) => typeof check === 'function'
    ? { name, needs, run: check }
    : { name, needs: [...needs, ...check.needs], run: check.run })
}
