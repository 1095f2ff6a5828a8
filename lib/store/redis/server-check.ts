import { performance } from 'node:perf_hooks'
import { randomId, storageName } from '../session-id'
import { Deadlines } from '../deadlines'
import { failureOf, type Failure } from './failures'
import type { KeyNames } from './key-names'
import type { RedisConnection, RunOnServer } from './redis-connection'
import { TRIAL } from './scripts'
import type { ScriptRunner } from './script-runner'
import { SessionStoreError } from '../../errors'

const LEAST_VERSION = [6, 2] as const

/**
 * Tries out whether the server can keep sessions. Returns what to warn of, a sentence each.
 *
 * @throws {SessionStoreError} that says what the server or the client lacks
 */
export async function checkServer (connection: RedisConnection, runner: ScriptRunner, names: KeyNames, timeout: number): Promise<string[]> {
  const name = storageName('trial', randomId())
  const [key, otherKey] = [names.keyOf(name), names.asideOf(name, randomId())]
  const trial = { doing: 'keep sessions', script: TRIAL, key, otherKey, parameters: null, text: '' }
  const first = await information(connection, timeout)
  // The trial is repeated while the trouble may pass, and its error says more than that of INFO.
  await runner.run(trial)
  const found = 'passes' in first && first.passes ? await information(connection, timeout) : first
  if (!('code' in found)) return found
  return [`fastify-file-sessions: the server does not tell its version and maxmemory-policy (INFO: ${found.code}). ` +
    'It must be Redis 6.2 or newer, or Valkey, with maxmemory-policy noeviction.']
}

/** Returns what to warn of, or why the servers do not tell. @throws {SessionStoreError} when one of them is too old */
async function information (connection: RedisConnection, timeout: number): Promise<string[] | Failure> {
  try {
    return await informationWarnings(connection, timeout)
  } catch (error) {
    if (error instanceof SessionStoreError) throw error
    return failureOf(error)
  }
}

async function informationWarnings (connection: RedisConnection, timeout: number): Promise<string[]> {
  const deadlines = new Deadlines()
  const warnings = new Set<string>()
  for (const run of await deadlines.watch(connection.servers(), performance.now() + timeout * 1000)) {
    const warning = await warningOf(run, deadlines, timeout)
    if (warning !== null) warnings.add(warning)
  }
  return [...warnings]
}

/** Returns what to warn of; null: nothing. @throws {SessionStoreError} when the server is too old */
async function warningOf (run: RunOnServer, deadlines: Deadlines, timeout: number): Promise<string | null> {
  const ask = async (section: string): Promise<string> => String(await deadlines.watch(run(['INFO', section]), performance.now() + timeout * 1000))
  const version = field(await ask('server'), 'redis_version')
  if (isOld(version)) {
    throw new SessionStoreError(`the server is Redis ${version}: sessions need Redis 6.2 or newer, or Valkey`)
  }
  const policy = field(await ask('memory'), 'maxmemory_policy')
  if (policy === 'noeviction' || policy === '') return null
  return `fastify-file-sessions: the server's maxmemory-policy is ${policy}: when its memory is full it removes live sessions. ` +
    'Set it to noeviction, or keep sessions on a server of their own.'
}

function isOld (version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return version !== '' && (major < LEAST_VERSION[0] || (major === LEAST_VERSION[0] && minor < LEAST_VERSION[1]))
}

function field (information: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(information)?.[1] ?? ''
}
