import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileError } from '../errors'

const NOTE = /^([+-])([0-9a-f]{64})$/
const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants

/**
 * Remembers over several runs of an import which sessions it brought over, so that a later run does not
 * bring one back that has ended since. An ended session leaves nothing behind in the store that would tell.
 *
 * It is a file (0600) of lines: `+` and the storage name of a session that is about to be made, `-` and
 * the name of one that could not be made after all. A process that is killed between the two costs one
 * visitor a login. The other order could bring an ended session back.
 */
export class ImportMemory {
  readonly #names = new Set<string>()

  private constructor (readonly path: string, readonly handle: FileHandle) {}

  /** Opens the file, or makes it. @throws {SessionFileError} when the file cannot be read and written */
  static async open (path: string): Promise<ImportMemory> {
    try {
      const handle = await open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600)
      const memory = new ImportMemory(path, handle)
      await memory.#read().catch(async (error: unknown) => {
        await handle.close()
        throw error
      })
      return memory
    } catch (error) {
      throw noteError(path, error)
    }
  }

  /** Whether this or an earlier run brought the session over. */
  has (name: string): boolean {
    return this.#names.has(name)
  }

  /** Notes a session that is about to be made. @throws {SessionFileError} */
  async add (name: string): Promise<void> {
    await this.#note(`+${name}`)
    this.#names.add(name)
  }

  /** Takes the note back: the session was not made, so a later run may try again. @throws {SessionFileError} */
  async takeBack (name: string): Promise<void> {
    this.#names.delete(name)
    await this.#note(`-${name}`)
  }

  /** Brings the notes to the disk, and closes the file. @throws {SessionFileError} */
  async close (): Promise<void> {
    try {
      await this.handle.sync().finally(() => this.handle.close())
    } catch (error) {
      throw noteError(this.path, error)
    }
  }

  async #read (): Promise<void> {
    const text = await this.handle.readFile('latin1')
    for (const line of text.split('\n')) {
      const [, sign, name = ''] = NOTE.exec(line) ?? []
      if (sign === '+') this.#names.add(name)
      else this.#names.delete(name)
    }
    // The last line of a process that was killed must not run into the next one.
    if (text !== '' && !text.endsWith('\n')) await this.handle.appendFile('\n')
  }

  async #note (line: string): Promise<void> {
    try {
      await this.handle.appendFile(`${line}\n`)
    } catch (error) {
      throw noteError(this.path, error)
    }
  }
}

function noteError (path: string, error: unknown): Error {
  return fileError('note what is imported', dirname(path), error)
}
