import { strict as assert } from 'node:assert'
import { SessionError } from '../errors'
import type { SessionStore, StoreFeatures } from '../store/session-store'
import { Bench } from './bench'
import { checks, type Check, type Need } from './check'
import { CREATING } from './creating'
import { DATED } from './dated'
import { ENDING } from './ending'
import { EXPIRY } from './expiry'
import { FAILURES } from './failures'
import { FIVE_METHODS } from './five-methods'
import { GRACE_CHECKS } from './grace'
import { IMMEDIATE } from './immediate'
import { INDEXES } from './indexes'
import { LISTING } from './listing'
import { NAMES } from './names'
import { OPENING } from './opening'
import type { ConformanceOptions, ConformanceReport } from './options'
import { PORTABLE } from './portable'
import { RACES } from './races'
import { REPLACING } from './replacing'
import { TEXTS } from './texts'

/**
 * Registers a test for each promise of the interfaces of a session store, for those that the store
 * declares. Any test runner does:
 *
 * ```ts
 * import { test } from 'node:test'
 *
 * conformance({ test, makeStore: ({ place, appid, idleTimeout }) => new MyStore(place, { appid, idleTimeout }), features: { records: true } })
 * ```
 *
 * Returns which checks there are, and which were left out.
 *
 * @throws {SessionError} SESSION_OPTION, when `except` has a sentence that is not a check's
 */
export function conformance (options: ConformanceOptions): ConformanceReport {
  const { test, features, except = [] } = options
  const all = [...declaration(features), ...CHECKS]
  for (const sentence of except) {
    if (all.some(({ name }) => name === sentence)) continue
    throw new SessionError('SESSION_OPTION', `conformance: there is not a check of this name: ${sentence}`)
  }
  const given = new Set<Need>()
  for (const need of NEEDS) if (features[need as keyof StoreFeatures] === true || options[need as keyof ConformanceOptions] !== undefined) given.add(need)
  const [checked, leftOut]: [string[], string[]] = [[], []]
  for (const check of all) {
    if (except.includes(check.name) || !check.needs.every(need => given.has(need))) {
      leftOut.push(check.name)
      continue
    }
    checked.push(check.name)
    test(check.name, async () => { await runCheck(check, options) })
  }
  return { checked, leftOut }
}

const NEEDS: readonly Need[] = [
  'records', 'dated', 'iterable', 'readable', 'reapable', 'portable', 'indexable', 'openable', 'immediate', 'age', 'dump', 'fail', 'maxSize'
]

const CHECKS: readonly Check[] = [
  ...FIVE_METHODS, ...TEXTS, ...OPENING, ...CREATING, ...REPLACING, ...ENDING, ...RACES, ...NAMES, ...EXPIRY, ...GRACE_CHECKS,
  ...LISTING, ...PORTABLE, ...INDEXES, ...DATED, ...IMMEDIATE, ...FAILURES
]

function declaration (features: StoreFeatures): Check[] {
  const declared = ({ features = {} }: { features?: StoreFeatures }): string[] =>
    Object.entries(features).filter(([, has]) => has).map(([feature]) => feature).sort()
  return checks([], {
    async 'the store declares the features that the suite was told' (bench) {
      assert.deepEqual(declared(await bench.store<SessionStore>()), declared({ features }))
    }
  })
}

async function runCheck (check: Check, options: ConformanceOptions): Promise<void> {
  const bench = new Bench(options)
  try {
    await check.run(bench)
  } catch (error) {
    // What fails after a broken promise does not say which one it was.
    await bench.end().catch(() => {})
    throw error
  }
  await bench.end()
}
