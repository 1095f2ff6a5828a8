import { realpath } from 'node:fs/promises'
import type { PlaceName } from './open-place'
import type { ServerUrl } from './server-url'

/** Ports that a URL may leave out. */
const PORTS = { redis: '6379', postgres: '5432' }

/**
 * Whether two arguments name one place, as far as the names tell: a copy would say that all is there, and
 * its user would remove "the old place". Two host names of one server are not found out.
 */
export async function isSamePlace (first: PlaceName, second: PlaceName): Promise<boolean> {
  if ('directory' in first) {
    const path = await realPath(first.directory)
    return path !== null && 'directory' in second && path === await realPath(second.directory)
  }
  return 'url' in second && keyOf(first.url) === keyOf(second.url)
}

/** Null: there is no such directory, which is another error than this one. */
async function realPath (directory: string): Promise<string | null> {
  return await realpath(directory).catch(() => null)
}

function keyOf ({ kind, address, parameters }: ServerUrl): string {
  const { hostname, port, pathname } = new URL(address)
  const database = pathname.replace(/^\//, '')
  return JSON.stringify([kind, hostname, port || PORTS[kind], kind === 'redis' ? database || '0' : database, Object.entries(parameters).sort()])
}
