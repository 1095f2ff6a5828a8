import type { Dir, Dirent } from 'node:fs'
import { hasCode } from '../../errors'
import { kindInDirectory, kindInShard, setAsideAt, type NameKind } from './file-names'
import { localDisk } from './local-disk'
import { PrivateDirectory } from './private-directory'

/**
 * What a name in an appid's directory stands for. `foreign`: not a name of ours, so it is left alone.
 * `unreadable`: a directory of ours that cannot be listed, or that others may use.
 */
export type DirectoryEntry =
  | { kind: Exclude<NameKind, 'shard' | 'setAside'>, path: string }
  | { kind: 'setAside', path: string, setAsideAt: number }
  | { kind: 'unreadable', path: string, error: unknown }

export interface WalkOptions {
  /** Ends the walk early, without an error. */
  signal?: AbortSignal | undefined
  /** Called as the walk gets on. */
  onProgress?: ((done: number, of: number) => void) | undefined
}

/**
 * Everything in the directory of one appid, shard by shard, as it is asked for: however much there
 * is, only a few names are in memory. The walk starts at a random shard, so that walks that never
 * get to their end go everywhere in time. What others add or remove meanwhile may be seen or not.
 *
 * A directory that is not there holds nothing. Rejects when the directory cannot be listed, or when
 * others may use it.
 */
export async function * walkDirectory (directory: string, options: WalkOptions = {}): AsyncGenerator<DirectoryEntry, void> {
  const { signal, onProgress } = options
  const guard = new PrivateDirectory(directory)
  await guard.checkAgain()
  const shards: string[] = []
  for await (const entry of entriesOf(directory)) {
    const path = `${directory}/${entry.name}`
    const kind = isPlain(entry) ? kindInDirectory(entry.name, entry.isDirectory()) : 'foreign'
    if (kind === 'shard') shards.push(path)
    else yield entryOf(kind, path, entry.name)
  }
  shards.push(...shards.splice(0, Math.floor(Math.random() * shards.length)))
  for (const [done, shard] of shards.entries()) {
    onProgress?.(done, shards.length)
    try {
      await guard.checkShardAgain(shard)
      for await (const entry of entriesOf(shard)) {
        if (signal?.aborted === true) return
        const kind = isPlain(entry) ? kindInShard(entry.name, entry.isDirectory()) : 'foreign'
        yield entryOf(kind, `${shard}/${entry.name}`, entry.name)
      }
    } catch (error) {
      yield { kind: 'unreadable', path: shard, error }
    }
  }
  onProgress?.(shards.length, shards.length)
}

/** Whether it is a file or a directory: no link, pipe or device is ever ours. */
function isPlain (entry: Dirent): boolean {
  return entry.isFile() || entry.isDirectory()
}

function entryOf (kind: NameKind, path: string, name: string): DirectoryEntry {
  return kind === 'setAside' ? { kind, path, setAsideAt: setAsideAt(name) } : { kind: kind as Exclude<NameKind, 'shard' | 'setAside'>, path }
}

async function * entriesOf (path: string): AsyncGenerator<Dirent, void> {
  let dir: Dir
  try {
    dir = await localDisk.opendir(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  yield * dir
}
