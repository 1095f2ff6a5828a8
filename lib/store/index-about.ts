import { check } from '../option-checks'
import { decrypt, encrypt } from './aes-gcm'

/** What a device list shows of a session. */
export type About = Readonly<Record<string, unknown>>

/** Bytes of JSON. */
const LONGEST = 1024
/** Characters that are kept of a word, when all together are too many. A client chooses its user agent, and must not fail by it. */
const LONGEST_WORD = 160

/**
 * Turns what a device list shows into the text that an index keeps, and back. With secrets of the
 * server it is encrypted under the newest.
 */
export class AboutText {
  readonly #keys: ReadonlyArray<Uint8Array | null>

  /** `keys`: the newest first; null: without one. */
  constructor (keys: ReadonlyArray<Uint8Array | null>) {
    this.#keys = keys
  }

  /**
   * Returns `undefined` for what says nothing, or is too long even when its words are cut.
   *
   * @throws {SessionError} SESSION_OPTION, for what is not an object that JSON can hold
   */
  seal (about: About | undefined): string | undefined {
    const json = shortened(about)
    const [key] = this.#keys
    if (json === undefined || key === null || key === undefined) return json
    return encrypt(key, json)
  }

  /** Returns `undefined` for what does not open. */
  open (text: string | undefined): About | undefined {
    if (text === undefined) return undefined
    if (text.startsWith('{')) return parsed(text)
    const bytes = Buffer.from(text, 'base64url')
    for (const key of this.#keys) {
      const json = key === null ? null : decrypt(key, bytes)
      if (json !== null) return parsed(json.toString('utf8'))
    }
    return undefined
  }
}

function shortened (about: About | undefined): string | undefined {
  if (about === undefined || about === null) return undefined
  check(typeof about.then !== 'function', 'about', 'must not be an async function: what it returns is stored with the session')
  const json = jsonOf(about)
  check(json?.startsWith('{') === true, 'about', "must return an object that JSON can hold, such as { agent: request.headers['user-agent'] }")
  if (Buffer.byteLength(json) <= LONGEST) return json
  const words = Object.entries(about).map(([name, value]) => [name, typeof value === 'string' ? value.slice(0, LONGEST_WORD) : value])
  const cut = JSON.stringify(Object.fromEntries(words))
  return Buffer.byteLength(cut) <= LONGEST ? cut : undefined
}

function parsed (json: string): About | undefined {
  try {
    return JSON.parse(json) as About
  } catch {
    return undefined
  }
}

/** The error of a JSON that fails may quote names that the app stores under. */
function jsonOf (about: About): string | undefined {
  try {
    return JSON.stringify(about)
  } catch {
    return undefined
  }
}
