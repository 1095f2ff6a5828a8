import { opendir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError, SessionError } from '../errors'
import { encode, JSON_CODEC, type SessionCodec } from '../session/codec'
import { isPlainObject, type PlainObject } from '../session/plain-object'
import { SessionCipher } from '../store/session-cipher'
import type { RecordStore, SessionRecord } from '../store/session-store'
import { isMaxAge } from './connect-cookie'

export interface ImportOptions {
  /** Seconds that a session without a `maxAge` of its own lived there: session-file-store's `ttl`. @default 3600 */
  ttl?: number | undefined
  /** session-file-store's `fileExtension`. @default '.json' */
  fileExtension?: string | undefined
  /** The plugin's, if it has one. @default JSON */
  codec?: SessionCodec | undefined
  /** Called after every file. */
  onProgress?: ((report: Readonly<ImportReport>) => void) | undefined
}

export interface ImportReport {
  /** Sessions made in the store. */
  imported: number
  /** Sessions that had expired; they are left out. */
  expired: number
  /** Sessions whose id the store has already; they stay there as they are. */
  present: number
  /** Files whose session could not be imported, and why. Their names are session ids: keep them to yourself. */
  failed: Array<{ path: string, reason: string }>
}

/**
 * Brings the sessions of a session-file-store directory into a store, under their ids, so that no
 * visitor is logged out by the move. Reads the directory only, and may be run again. Each session
 * starts its idle time anew; one with a `maxAge` of its own keeps that. The cookie, which that package
 * keeps among the data, is left out.
 *
 * @throws {SessionError} when the directory cannot be read or is encrypted, or the store has trouble
 */
export async function importFromSessionFileStore (
  directory: string, store: RecordStore, options: ImportOptions = {}
): Promise<ImportReport> {
  const { ttl = 3600, fileExtension = '.json', codec = JSON_CODEC, onProgress } = options
  const report: ImportReport = { imported: 0, expired: 0, present: 0, failed: [] }
  await store.open()
  for await (const name of fileNames(directory, fileExtension)) {
    const path = join(directory, name)
    try {
      const { data, lastAccess, maxAge } = await readSession(path)
      if (lastAccess + (maxAge ?? ttl * 1000) <= Date.now()) {
        report.expired++
      } else {
        const sesid = name.slice(0, name.length - fileExtension.length)
        const idleTimeout = maxAge === undefined ? undefined : maxAge / 1000
        if (await create(store, sesid, { text: textOf(data, codec), idleTimeout })) report.imported++
        else report.present++
      }
    } catch (error) {
      if (!(error instanceof NotImported)) throw error
      report.failed.push({ path, reason: error.message })
    }
    onProgress?.(report)
  }
  return report
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

/** Returns whether the session was made; false when the id has one. */
async function create (store: RecordStore, sesid: string, record: SessionRecord): Promise<boolean> {
  try {
    const cipher = store.cipher ?? new SessionCipher(store.sesAppid(), false)
    const { result } = await store.create(store.nameOf(sesid), cipher.sealRecord(sesid, record))
    return result === 'created'
  } catch (error) {
    const { code, message } = error as SessionError
    throw code === 'SESSION_TOO_BIG' ? new NotImported(message) : error
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
