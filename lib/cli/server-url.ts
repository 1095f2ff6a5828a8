import { UsageError } from './usage'

/** The address of a server with sessions. */
export interface ServerUrl {
  readonly kind: 'redis' | 'postgres'
  /** For the client. Holds the password. */
  readonly address: string
  /** For messages: without user, password and parameters. */
  readonly title: string
  /** What must not appear in any message. */
  readonly secrets: readonly string[]
  /** Parameters of the URL that the command knows: `prefix` of Redis, `table` and `schema` of PostgreSQL. */
  readonly parameters: Readonly<Record<string, string>>
}

/** The schemes, each with the one that clients know. */
const SCHEMES: Record<string, { kind: ServerUrl['kind'], scheme: string }> = {
  redis: { kind: 'redis', scheme: 'redis' },
  rediss: { kind: 'redis', scheme: 'rediss' },
  valkey: { kind: 'redis', scheme: 'redis' },
  valkeys: { kind: 'redis', scheme: 'rediss' },
  postgres: { kind: 'postgres', scheme: 'postgres' },
  postgresql: { kind: 'postgres', scheme: 'postgres' }
}

const PARAMETERS = { redis: ['prefix'], postgres: ['table', 'schema'] }
const VARIABLE = /^env:(.*)$/s

/**
 * Returns the server that an argument names; null when it names a directory. `env:NAME` stands for the
 * text of the environment variable, which other users do not see in the list of processes.
 *
 * @throws {UsageError}
 */
export function serverUrl (argument: string, environment: NodeJS.ProcessEnv = process.env): ServerUrl | null {
  const [, variable] = VARIABLE.exec(argument) ?? []
  if (variable === undefined) return parsed(argument)
  const text = environment[variable]
  if (text === undefined || text === '') throw new UsageError(`the environment variable '${variable}' is not set: it must hold the URL of a server`)
  const url = parsed(text)
  if (url === null) throw new UsageError(`the environment variable ${variable} must hold the URL of a server, such as redis://localhost:6379`)
  return url
}

function parsed (text: string): ServerUrl | null {
  const [, scheme] = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\//.exec(text) ?? []
  if (scheme === undefined) return null
  const known = SCHEMES[scheme.toLowerCase()]
  if (known === undefined) {
    throw new UsageError(`sessions cannot be kept at a ${scheme}:// address: give a directory, or ${Object.keys(SCHEMES).map(name => `${name}://`).join(', ')}`)
  }
  // A scheme that the platform does not know is parsed less strictly, so that the host may be missing.
  const url = URL.parse(`${known.scheme}${text.slice(scheme.length)}`)
  // The text may hold a password, so it is not repeated.
  if (url === null) throw new UsageError(`the URL of the server cannot be read: it must be like ${scheme}://user:password@host:port/database, with %40 for an @ in the password`)
  const title = `${scheme}://${url.host}${url.pathname}`
  const parameters: Record<string, string> = {}
  for (const name of PARAMETERS[known.kind]) {
    const value = url.searchParams.get(name)
    if (value !== null) parameters[name] = value
    url.searchParams.delete(name)
  }
  const password = url.searchParams.get('password') ?? ''
  return { kind: known.kind, address: url.href, title, secrets: secretsOf(url.password, password), parameters }
}

function secretsOf (...passwords: string[]): string[] {
  return passwords.flatMap(password => [password, decoded(password)]).filter(password => password !== '')
}

function decoded (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Returns the text without the secrets. */
export function withoutSecrets (text: string, secrets: readonly string[]): string {
  return secrets.reduce((text, secret) => text.replaceAll(secret, '***'), text)
}
