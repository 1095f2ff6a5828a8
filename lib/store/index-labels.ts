import { createHmac, hash } from 'node:crypto'
import { SessionError } from '../errors'
import { Recent } from './recent'

/** What a session may be found by. A number and its decimal digits are the same value. */
export type IndexValue = string | number

/** Labels that are remembered, at most. */
const LABELS = 10_000
/** Characters. Longer values are not remembered, so that requests cannot fill the memory with them. */
const LONGEST_REMEMBERED = 128
/** Characters: 192 bits. */
const DIGEST_SIZE = 32

/**
 * The labels under which sessions stand in indexes: `<index>:<digest of appid, index and value>`. The
 * digest is keyed with a secret of the server, if there is one: then the values cannot be guessed by
 * trying. Without a secret a label of a short number gives the number away to a reader who tries all.
 */
export class IndexLabels {
  readonly #appid: string
  readonly #keys: ReadonlyArray<Uint8Array | null>
  readonly #known = new Recent(LABELS)

  /** `keys`: the newest first; null: without one. */
  constructor (appid: string, keys: ReadonlyArray<Uint8Array | null>) {
    this.#appid = appid
    this.#keys = keys
  }

  /** Returns the labels of a value under all keys, the newest first. New entries stand under the first. @throws {SessionError} SESSION_INDEX */
  of (index: string, value: IndexValue): [string, ...string[]] {
    const text = textOf(index, value)
    return this.#keys.map((key, at) => {
      if (text.length > LONGEST_REMEMBERED) return this.#label(index, text, key)
      return this.#known.get(`${at} ${index} ${text}`, () => this.#label(index, text, key))
    }) as [string, ...string[]]
  }

  #label (index: string, value: string, key: Uint8Array | null): string {
    const text = `index\0${this.#appid}\0${index}\0${value}`
    const digest = key === null ? hash('sha256', text, 'base64url') : createHmac('sha256', key).update(text).digest('base64url')
    return `${index}:${digest.slice(0, DIGEST_SIZE)}`
  }
}

/** Returns the index that a label belongs to. */
export function indexOfLabel (label: string): string {
  return label.slice(0, label.indexOf(':'))
}

/** Returns the name of the record that lists the sessions with this label. */
export function listName (label: string): string {
  return hash('sha256', `list\0${label}`)
}

function textOf (index: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  throw new SessionError('SESSION_INDEX', `the value of the index ${index} must be a string or a finite number; ` +
    'undefined or null for a session that is not in the index')
}
