import { platform as thisPlatform } from '../store/files/platform'
import { DirectoryPlace } from './directory-place'
import type { Place, PlaceOptions } from './place'
import { openPostgres } from './postgres-place'
import { openRedis } from './redis-place'
import { serverUrl, type ServerUrl } from './server-url'

/** A place as the command line names it. */
export type PlaceName = { readonly directory: string } | { readonly url: ServerUrl }

/** Returns what an argument names. @throws {UsageError} */
export function placeNamed (argument: string, platform = thisPlatform): PlaceName {
  const url = serverUrl(argument)
  // As the app does: a link before `..` is not followed.
  return url === null ? { directory: platform.resolve(argument) } : { url }
}

/** Opens a place. @throws {SessionError} when it cannot be reached or used */
export async function openPlace (name: PlaceName, options: PlaceOptions): Promise<Place> {
  if ('directory' in name) return new DirectoryPlace(name.directory, options)
  return name.url.kind === 'redis' ? await openRedis(name.url, options) : await openPostgres(name.url, options)
}
