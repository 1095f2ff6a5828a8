import type { Dir, Dirent } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { hasCode } from '../../errors'
import { withRoom } from './descriptors'
import { PROBE } from './disk-check'

/**
 * What a name in an appid's directory stands for. `foreign`: nothing of ours, so nobody touches it.
 * `unreadable`: a directory of ours that cannot be listed.
 */
export type DirectoryEntry =
  | { kind: 'session' | 'lock' | 'staging' | 'foreign', path: string }
  | { kind: 'setAside', path: string, setAsideAt: number }
  | { kind: 'unreadable', path: string, error: unknown }

export interface WalkOptions {
  /** Ends the walk early, without an error. */
  signal?: AbortSignal | undefined
  /** Called as the walk gets on. */
  onProgress?: ((done: number, of: number) => void) | undefined
}

const SHARD = /^[0-9a-f]{2}$/
const SESSION = /^[0-9a-f]{62}$/
const LOCK = /^[0-9a-f]{62}\.lock$/
const STAGING = /^[0-9a-f]{62}\.[0-9a-f]{16}\.tmp$/
const SET_ASIDE = /^[0-9a-f]{62}\.([0-9]+)\.aside$/

/** So many names are read at a time. */
const BATCH = 64

/**
 * All that is in the directory of one appid, shard by shard, as it is asked for: however much there
 * is, only a few names are in memory. Starts at any shard, so that walks that never get to their
 * end go everywhere in time. What others add or remove meanwhile may be seen or not.
 *
 * A directory that is not there holds nothing.
 */
export async function * walkDirectory (directory: string, options: WalkOptions = {}): AsyncGenerator<DirectoryEntry, void> {
  const { signal, onProgress } = options
  const shards: string[] = []
  for await (const entry of entriesOf(directory)) {
    const path = `${directory}/${entry.name}`
    if (entry.isDirectory() && SHARD.test(entry.name)) shards.push(path)
    else if (entry.name !== PROBE) yield { kind: 'foreign', path }
  }
  shards.push(...shards.splice(0, Math.floor(Math.random() * shards.length)))
  for (const [done, shard] of shards.entries()) {
    onProgress?.(done, shards.length)
    try {
      for await (const entry of entriesOf(shard)) {
        if (signal?.aborted === true) return
        yield classify(entry, `${shard}/${entry.name}`)
      }
    } catch (error) {
      yield { kind: 'unreadable', path: shard, error }
    }
  }
  onProgress?.(shards.length, shards.length)
}

export function isSessionName (name: string): boolean {
  return SESSION.test(name)
}

function classify (entry: Dirent, path: string): DirectoryEntry {
  const { name } = entry
  if (entry.isFile()) {
    if (isSessionName(name)) return { kind: 'session', path }
    const setAside = SET_ASIDE.exec(name)
    if (setAside !== null) return { kind: 'setAside', path, setAsideAt: Number(setAside[1]) }
  } else if (entry.isDirectory()) {
    if (LOCK.test(name)) return { kind: 'lock', path }
    if (STAGING.test(name)) return { kind: 'staging', path }
  }
  return { kind: 'foreign', path }
}

async function * entriesOf (path: string): AsyncGenerator<Dirent, void> {
  let dir: Dir
  try {
    dir = await withRoom(() => opendir(path, { bufferSize: BATCH }))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  yield * dir
}
