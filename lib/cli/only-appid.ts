import type { AppidPlace, Place } from './place'
import { UsageError } from './usage'

/** Returns the sessions of the appid that was named; of the only one, when none was. @throws {UsageError} when there are several */
export async function onlyAppid (place: Place, appid: string | undefined): Promise<AppidPlace | null> {
  const [only = null, ...others] = await place.appids(appid)
  if (others.length === 0) return only
  throw new UsageError(`there are sessions of several apps (${[only as AppidPlace, ...others].map(({ appid }) => appid).join(', ')}): name one with --appid`)
}
