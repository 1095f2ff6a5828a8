import type { Test } from 'tap'
import { Bench } from '../../lib/conformance/bench'
import type { Check } from '../../lib/conformance/check'
import type { ConformanceOptions } from '../../lib/conformance/options'
import { SessionError } from '../../lib/errors'
import { checkRecord } from '../../lib/store/record-options'
import type { Creation, Removal, Replacement, SessionRecord, StoredSession } from '../../lib/store/session-record'
import { FEATURES, optionsFor, PlacedStore, type PlacedClass } from './conformance-runs'
import type { Entry } from './documented-store'

const MAX_SIZE = 20_000

/** A store that also has the answer at hand, limits its texts, and fails when it is told to: it keeps every promise. */
export class WholeStore extends PlacedStore {
  override readonly features = { ...FEATURES, immediate: true } as never

  readNow (name: string): StoredSession | null {
    const entry = this.memory.get(name)
    return entry === undefined ? null : { ...entry, touchDue: false, idleLeft: undefined }
  }

  replaceNow (name: string, record: SessionRecord, version: string): Replacement | undefined {
    const entry = this.memory.get(name)
    if (entry === undefined) return { result: 'gone' }
    if (entry.version !== version) return { result: 'conflict' }
    Object.assign(entry, { ...record, version: `${version}'` })
    return { result: 'replaced', version: entry.version }
  }

  override async read (name: string): Promise<StoredSession | null> {
    this.#checkTrouble()
    return await super.read(name)
  }

  override async create (name: string, record: SessionRecord): Promise<Creation> {
    checkRecord(record, MAX_SIZE)
    this.#checkTrouble()
    return await super.create(name, record)
  }

  override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    checkRecord(record, MAX_SIZE)
    this.#checkTrouble()
    return await super.replace(name, record, version)
  }

  override async remove (name: string, version?: string): Promise<Removal> {
    this.#checkTrouble()
    return await super.remove(name, version)
  }

  override async touch (name: string): Promise<void> {
    this.#checkTrouble()
    await super.touch(name)
  }

  override async setAside (name: string, version?: string): Promise<void> {
    this.#checkTrouble()
    await super.setAside(name, version)
  }

  protected trouble (): unknown {
    return new SessionError('SESSION_STORE', 'the server is down')
  }

  #checkTrouble (): void {
    if (this.place.isFailing) throw this.trouble()
  }
}

/** Returns what the store has of a session that is there. */
export const entryOf = (store: PlacedStore, name: string): Entry => store.memory.get(name) as Entry

/** Returns the options with which the suite checks a {@link WholeStore}, or one that breaks a promise of it. */
export function wholeOptions (Store: PlacedClass): Omit<ConformanceOptions, 'test'> {
  return { ...optionsFor(Store), features: { ...FEATURES, immediate: true }, maxSize: MAX_SIZE }
}

/**
 * Declares the tests of a list of checks: a store that keeps every promise passes them, and each finds out the
 * store that is wrong in the way that it is meant for. `broken` has that store by the sentence of the check.
 */
export function findsOut (t: Test, checks: readonly Check[], broken: Record<string, PlacedClass>, Whole: PlacedClass = WholeStore): void {
  t.test('a store that keeps every promise passes', async t => {
    for (const check of checks) await t.resolves(run(check, Whole), check.name)
  })

  t.test('every check can fail: a store that is wrong in its way is found out by it', async t => {
    t.strictSame(Object.keys(broken).sort(), checks.map(({ name }) => name).sort(), 'each check has a store that it is meant for')
    for (const check of checks) await t.rejects(run(check, broken[check.name] as PlacedClass), check.name)
  })
}

async function run (check: Check, Store: PlacedClass): Promise<void> {
  const bench = new Bench({ ...wholeOptions(Store), test: () => {} })
  try {
    await check.run(bench)
  } finally {
    await bench.end()
  }
}
