import { RedisServer, type Test } from './redis-server'
import { RedisSessions } from './redis-sessions'
import type { Script } from '../../lib/store/redis/script'

/** A call of a script for one session: the words behind its id are three parameters of the script's own. */
export interface ScriptCall { key: string, otherKey?: string, id?: string, words?: string, text?: string }

interface Setting {
  isRepeated?: boolean
  /** By the server's clock, in milliseconds since 1970. */
  deadline?: number
  /** The idle and the absolute timeout of the store, in milliseconds. */
  lifetimes?: string
}

export const FAR = 4e12

/** Starts a server, and returns what runs a script there: with calls, or with keys if it takes no parameters. */
export async function scriptsOn (t: Test) {
  const server = await RedisServer.start(t)
  const look = await RedisSessions.connect(t, server)
  const redis = (...command: string[]): Promise<unknown> => look.client.sendCommand(command)
  const run = async (script: Script, calls: ScriptCall[] | string[], setting: Setting = {}): Promise<unknown[]> => {
    const { isRepeated = false, deadline = FAR, lifetimes = '1000000 0' } = setting
    const keys = calls.flatMap(call => typeof call === 'string' ? [call] : call.otherKey === undefined ? [call.key] : [call.key, call.otherKey])
    const parameters = calls.flatMap(call => typeof call === 'string' ? [] : [`${call.id ?? 'id-0000000000000'} ${call.words ?? '0 - -'}`, call.text ?? ''])
    return await redis('EVAL', script.text, String(keys.length), ...keys, `7 ${isRepeated ? 1 : 0}${deadline} ${lifetimes}`, ...parameters) as unknown[]
  }
  return { redis, run }
}
