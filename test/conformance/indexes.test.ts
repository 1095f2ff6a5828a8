import { join } from 'node:path'
import t from 'tap'
import { conformance } from '../../lib/conformance/conformance'
import { INDEXES } from '../../lib/conformance/indexes'
import { FileStore } from '../../lib/store/files/file-store'
import type { SessionFileStoreOptions } from '../../lib/store/files/options'
import type { Companion } from '../../lib/store/store-abilities'

const directory = t.testdir()

/** Lists among the sessions. */
class Mixed extends FileStore {
  override companion (): Companion {
    return { ...super.companion(), records: this }
  }

  #isClosed = false
  /** To close its lists is to close itself again. */
  override async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await super.close()
  }
}

/** Lists of each process for itself. */
class Alone extends FileStore {
  static made = 0
  readonly #other = new FileStore({ sessionDir: join(directory, `alone-${++Alone.made}`), maxSize: 64 * 1024 * 1024 })

  override companion (): Companion {
    return { ...super.companion(), records: this.#other }
  }
}

/** Short lists. */
class Short extends FileStore {
  override companion (): Companion {
    const { sessionDir, appid } = this.options
    return { ...super.companion(), records: new FileStore({ sessionDir: `${sessionDir}-short`, appid, maxSize: 1000 }) }
  }
}

/** Does not say its own idle timeout, and remembers what it read last. */
class Forgetful extends FileStore {
  override companion (): Companion {
    const { latest, ...companion } = super.companion()
    let first: ReturnType<typeof latest> | undefined
    return { ...companion, idleTimeout: 1, latest: name => { first ??= latest(name); return first } }
  }
}

/** Keeps its lists when it is cleared, with the sessions. */
class Uncleared extends FileStore {
  override async clear (): Promise<number> {
    return 1
  }
}

async function failures (Store: new (options: SessionFileStoreOptions) => FileStore): Promise<string[]> {
  const failed: string[] = []
  const runs: Array<Promise<void>> = []
  conformance({
    test: (name, run) => {
      if (!INDEXES.some(check => check.name === name)) return
      runs.push((async () => { await run() })().catch(() => { failed.push(name) }))
    },
    makeStore: ({ place, ...setup }) => new Store({ sessionDir: join(directory, place), ...setup }),
    features: { records: true, immediate: true, iterable: true, readable: true, reapable: true, portable: true, indexable: true },
    maxSize: 1024 * 1024
  })
  await Promise.all(runs)
  return failed
}

t.test('the checks of indexes find broken stores, and pass a whole one', async t => {
  t.strictSame(await failures(FileStore), [])
  t.ok((await failures(Mixed)).some(name => name.includes('apart from the sessions')))
  t.ok((await failures(Alone)).some(name => name.includes('have the same lists')))
  t.ok((await failures(Short)).includes('a list may be long'))
  t.ok((await failures(Forgetful)).some(name => name.includes('latest()')))
  t.ok((await failures(Uncleared)).some(name => name.startsWith('clear()')))
})
