/**
 * The keys of one appid: `<prefix><appid>:{<name>}`. The braces make the name alone decide about the
 * slot of a cluster, so that the key of a session that is set aside lies beside it.
 */
export class KeyNames {
  readonly #start: string

  constructor (prefix: string, appid: string) {
    this.#start = `${prefix}${encodeURIComponent(appid).replace(/[!'*]/g, percentEncoded)}:{`
  }

  keyOf (name: string): string {
    return `${this.#start}${name}}`
  }

  /** What all keys of the appid begin with. */
  prefixWith (keyPrefix: string): string {
    return keyPrefix + this.#start
  }

  /** Returns where the session goes that is set aside by the call with this id. */
  asideOf (name: string, id: string): string {
    return `${this.keyOf(name)}:aside:${id}`
  }

  /** Returns the pattern for SCAN that fits the sessions, and not what was set aside. */
  patternWith (keyPrefix: string): string {
    return `${literally(this.prefixWith(keyPrefix))}*}`
  }

  /** Returns the name of the session with this key; null when the key is not one of ours. */
  nameOf (key: string): string | null {
    return /\{([0-9a-f]{64})\}$/.exec(key)?.[1] ?? null
  }
}

/** Returns a pattern for SCAN that fits this text and no other. */
export function literally (text: string): string {
  return text.replace(/[*?[\]\\^-]/g, '\\$&')
}

function percentEncoded (character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}
