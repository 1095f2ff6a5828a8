import { LRUCache } from 'lru-cache'
import type { SessionFile } from './session-file'

/** What an entry takes beside its text. */
const OVERHEAD = 512
/** Weights are rounded up to this, so that a text that grows a little is no new entry. */
const STEP = 256

/**
 * The session files used last, by session id: what is used again soon needs no hash of its id, and
 * mostly no reading. Bounded in bytes.
 */
export class FileCache {
  readonly #files: LRUCache<string, { file: SessionFile, weight: number }>

  constructor (maxSize: number) {
    this.#files = new LRUCache({
      maxSize,
      sizeCalculation: entry => entry.weight,
      dispose: ({ file }, _sesid, reason) => { if (reason === 'evict') file.release() }
    })
  }

  /** The file of a session, made if need be: all that goes on with a session at one time shares one. */
  get (sesid: string, make: () => SessionFile): SessionFile {
    const known = this.#files.get(sesid)
    if (known !== undefined) return known.file
    const file = make()
    this.#files.set(sesid, { file, weight: OVERHEAD })
    return file
  }

  /** Call it when what is known of the file may have changed. What is not there is not kept. */
  update (sesid: string, file: SessionFile): void {
    if (file.view === null) {
      this.#files.delete(sesid)
      return
    }
    const weight = OVERHEAD + Math.ceil(2 * (file.view.tip?.text.length ?? 0) / STEP) * STEP
    const entry = this.#files.peek(sesid)
    // Made anew in between.
    if (entry !== undefined && entry.file !== file) entry.file.release()
    if (entry?.file !== file || entry.weight !== weight) this.#files.set(sesid, { file, weight })
  }

  /** Closes what the files keep open. */
  release (): void {
    for (const { file } of this.#files.values()) file.release()
  }
}
