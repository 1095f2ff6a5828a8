import { opendir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError, SessionError } from '../errors'
import { check, checkKnown, isTime } from '../option-checks'
import { checkCodec, encode, JSON_CODEC, type SessionCodec } from '../session/codec'
import type { SessionKey } from '../session/opened-session'
import { isPlainObject, type PlainObject } from '../session/plain-object'
import { SessionRecords } from '../session/session-records'
import { isKeyId, LEAST_KEY_BITS } from '../store/id-strength'
import { SessionCipher } from '../store/session-cipher'
import type { SessionRecord } from '../store/session-record'
import type { RecordStore } from '../store/session-store'
import { isMaxAge } from './connect-cookie'
import { ImportMemory } from './import-memory'
import { indexingOf, type IndexFunctions } from './index-functions'

export interface ImportOptions {
  /** Seconds that a session without a `maxAge` of its own lived there: session-file-store's `ttl`. @default 3600 */
  ttl?: number | undefined
  /** session-file-store's `fileExtension`. @default '.json' */
  fileExtension?: string | undefined
  /** The plugin's, if it has one. @default JSON */
  codec?: SessionCodec | undefined
  /**
   * The plugin's, if it has them: each session enters them as it is imported. Left out: sessions enter at
   * their next save, or by `app.reindexSessions()` if they are not encrypted.
   */
  indexes?: IndexFunctions
  /**
   * Path of the file in which the import remembers what it has imported into this store, so that another run
   * brings no session back that has ended since. It holds storage names, and no ids. For a store without files
   * choose a path beside the app's own data: the default then lies in a directory that is removed in the end.
   * @default `.imported-APPID` in the `sessionDir`, where the command remembers it too; without one in the directory of session-file-store
   */
  memory?: string | undefined
  /** Called after every file. */
  onProgress?: ((report: Readonly<ImportReport>) => void) | undefined
}

type SettledImportOptions = ImportOptions & { ttl: number, codec: SessionCodec, fileExtension: string }

export interface ImportReport {
  /** Sessions made in the store. */
  imported: number
  /** Sessions that had expired; they are left out. */
  expired: number
  /** Sessions whose id the store has already; they stay there as they are. */
  present: number
  /** Sessions that were imported before, and have ended in the store since; they stay ended. */
  ended: number
  /** Files whose session could not be imported, and why. Their names are session ids: keep them to yourself. */
  failed: Array<{ path: string, reason: string }>
}

/**
 * Brings the sessions of a session-file-store directory into a store, under their ids, so that no
 * visitor is logged out by the move. Changes no file of that package, and may be run again: a session that
 * was imported before and has ended since stays ended. Each session starts its idle time anew; one with a
 * `maxAge` of its own keeps that. The cookie, which that package keeps among the data, is left out.
 *
 * @throws {SessionError} when the directory cannot be read or is encrypted, the store has trouble, or the
 * file of the option `memory` cannot be written
 */
export async function importFromSessionFileStore (
  directory: string, store: RecordStore, options: ImportOptions = {}
): Promise<ImportReport> {
  const settled = importOptions(options)
  const { fileExtension, memory: path = store.importMemory ?? join(directory, memoryName(store)) } = settled
  await store.open()
  const names = fileNames(directory, fileExtension)
  // Its first step reads the directory: one that is not there is an error of its own.
  let next = await names.next()
  const memory = await ImportMemory.open(path)
  const run = new Import(store, memory, settled)
  try {
    for (; next.done !== true; next = await names.next()) {
      const name = next.value
      if (join(directory, name) !== path) await run.take(join(directory, name), name.slice(0, name.length - fileExtension.length))
    }
  } finally {
    await memory.close()
  }
  return run.report
}

const WEAK_ID = `its id has fewer random bits than the ${LEAST_KEY_BITS} that the option encryption needs, for keys are made of ids: ` +
  'its visitor has to log in anew'

/** One run over the files. */
class Import {
  readonly report: ImportReport = { imported: 0, expired: 0, present: 0, ended: 0, failed: [] }
  readonly #store: RecordStore
  readonly #cipher: SessionCipher
  readonly #records: SessionRecords
  readonly #memory: ImportMemory
  readonly #options: SettledImportOptions

  /** @throws {SessionError} SESSION_OPTION */
  constructor (store: RecordStore, memory: ImportMemory, options: SettledImportOptions) {
    const { codec, indexes } = options
    this.#store = store
    this.#cipher = store.cipher ?? new SessionCipher(store.sesAppid(), false)
    this.#records = new SessionRecords(store, this.#cipher, indexingOf(store, codec, indexes))
    this.#memory = memory
    this.#options = options
  }

  /** Imports the session of one file, and counts what became of it. */
  async take (path: string, sesid: string): Promise<void> {
    try {
      this.report[await this.#import(path, sesid)]++
    } catch (error) {
      if (!(error instanceof NotImported)) throw error
      this.report.failed.push({ path, reason: error.message })
    }
    this.#options.onProgress?.(this.report)
  }

  async #import (path: string, sesid: string): Promise<'imported' | 'expired' | 'present' | 'ended'> {
    const { ttl, codec } = this.#options
    const { data, lastAccess, maxAge } = await readSession(path)
    if (lastAccess + (maxAge ?? ttl * 1000) <= Date.now()) return 'expired'
    const name = this.#store.nameOf(sesid)
    if (this.#memory.has(name)) return await this.#store.read(name) === null ? 'ended' : 'present'
    if (this.#cipher.isOn && !isKeyId(sesid)) throw new NotImported(WEAK_ID)
    const idleTimeout = maxAge === undefined ? undefined : maxAge / 1000
    return await this.#create({ sesid, name }, { text: textOf(data, codec), idleTimeout })
  }

  async #create (key: SessionKey, record: SessionRecord): Promise<'imported' | 'present' | 'ended'> {
    const { name } = key
    await this.#memory.add(name)
    try {
      const created = await this.#records.create(key, record)
      if (typeof created === 'object') return 'imported'
      return created === 'taken' ? 'present' : 'ended'
    } catch (error) {
      await this.#memory.takeBack(name)
      const { code, message } = error as SessionError
      throw code === 'SESSION_TOO_BIG' || code === 'SESSION_INDEX' ? new NotImported(message) : error
    }
  }
}

/** @throws {SessionError} SESSION_OPTION */
function importOptions (options: ImportOptions): SettledImportOptions {
  checkKnown(options, ['ttl', 'fileExtension', 'codec', 'indexes', 'memory', 'onProgress'])
  const { ttl = 3600, codec = JSON_CODEC, fileExtension = '.json', memory, onProgress } = options
  check(isTime(ttl), 'ttl', 'must be a number of seconds above 0')
  check(typeof fileExtension === 'string', 'fileExtension', "must be a string such as '.json'")
  check(memory === undefined || (typeof memory === 'string' && memory !== ''), 'memory', 'must be the path of a file')
  check(onProgress === undefined || typeof onProgress === 'function', 'onProgress', 'must be a function')
  checkCodec(codec)
  return { ...options, ttl, codec, fileExtension }
}

/** The appid may have characters that a file's name may not. */
function memoryName (store: RecordStore): string {
  return `.imported-${encodeURIComponent(store.sesAppid())}`
}

/** Why one session cannot be imported; the others can. */
class NotImported extends Error {}

async function * fileNames (directory: string, fileExtension: string): AsyncGenerator<string, void> {
  try {
    for await (const entry of await opendir(directory)) {
      if (entry.isFile() && entry.name.endsWith(fileExtension) && entry.name !== fileExtension) yield entry.name
    }
  } catch (error) {
    throw fileError('read the sessions', directory, error)
  }
}

function textOf (data: PlainObject, codec: SessionCodec): string {
  try {
    return encode(codec, data)
  } catch (error) {
    throw new NotImported((error as SessionError).message)
  }
}

interface ForeignSession {
  data: PlainObject
  /** Milliseconds since 1970. */
  lastAccess: number
  /** Milliseconds that the session may stay unused; `undefined` when it has no time of its own. */
  maxAge: number | undefined
}

async function readSession (path: string): Promise<ForeignSession> {
  const session = parse(await read(path))
  const { cookie, __lastAccess: lastAccess, ...data } = session
  if (!isPlainObject(cookie) || typeof lastAccess !== 'number') throw new NotImported('it is not a session of session-file-store')
  const { originalMaxAge } = cookie
  return { data, lastAccess, maxAge: isMaxAge(originalMaxAge) && originalMaxAge > 0 ? originalMaxAge : undefined }
}

async function read (path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new NotImported(String((error as NodeJS.ErrnoException).code))
  }
}

/** The parser's error is not a cause: it quotes the data. */
function parse (text: string): PlainObject {
  let session: unknown
  try {
    session = JSON.parse(text)
  } catch {
    throw new NotImported('it is not JSON')
  }
  if (!isPlainObject(session)) throw new NotImported('it is not a session of session-file-store')
  if (isEncrypted(session)) {
    throw new SessionError('SESSION_IMPORT', 'the sessions are encrypted (session-file-store\'s option secret), so they cannot ' +
      'be imported: run the old app once without its secret, or let its visitors log in anew')
  }
  return session
}

function isEncrypted (session: PlainObject): boolean {
  return ['hmac', 'ct', 'iv', 'salt'].every(key => Object.hasOwn(session, key)) && !Object.hasOwn(session, 'cookie')
}
