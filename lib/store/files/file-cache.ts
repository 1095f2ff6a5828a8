import { LRUCache } from 'lru-cache'
import type { SessionFile } from './session-file'

/** Bytes that an entry takes beside its text. */
const OVERHEAD = 512
/** Weights (bytes) are rounded up to this, so that a text that grows a little needs no new entry. */
const STEP = 256

/** The session files used last, by the names of their sessions: most need no reading when they are used again. Bounded in bytes. */
export class FileCache {
  readonly #files: LRUCache<string, { file: SessionFile, weight: number }>

  constructor (maxSize: number) {
    this.#files = new LRUCache({
      maxSize,
      sizeCalculation: entry => entry.weight,
      dispose: ({ file }, _name, reason) => { if (reason === 'evict') file.release() }
    })
  }

  /** Returns the file of a session if it was used lately. */
  peek (name: string): SessionFile | undefined {
    return this.#files.get(name)?.file
  }

  /** Returns the file of a session, made if need be: all requests that use a session at one time share one. */
  get (name: string, make: () => SessionFile): SessionFile {
    const known = this.#files.get(name)
    if (known !== undefined) return known.file
    const file = make()
    this.#files.set(name, { file, weight: OVERHEAD })
    return file
  }

  /** Call it when what is known of the file may have changed. A session that is not there is not kept. */
  update (name: string, file: SessionFile): void {
    const { view } = file
    if (view === null || view.tip?.ended === true) {
      this.#files.delete(name)
      return
    }
    const weight = OVERHEAD + Math.ceil(2 * (view.tip?.text.length ?? 0) / STEP) * STEP
    const entry = this.#files.peek(name)
    // Made anew in between.
    if (entry !== undefined && entry.file !== file) entry.file.release()
    if (entry?.file !== file || entry.weight !== weight) this.#files.set(name, { file, weight })
  }

  /** Closes what the files keep open. */
  release (): void {
    for (const { file } of this.#files.values()) file.release()
  }
}
