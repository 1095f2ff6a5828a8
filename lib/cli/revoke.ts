import type { SettledEncryption } from '../store/encryption-options'
import { nameOfHandle } from '../store/session-id'
import { indexOf, type SessionIndex } from '../store/session-index'
import { explainNothing } from './found-nothing'
import { NotFound, onlyAppid, type AppidPlace, type Place } from './place'
import { ANY_AGE } from './time-left'
import { print, printJson, type Terminal } from './terminal'
import { UsageError } from './usage'

export interface RevokeOptions {
  /** Which index the value is of. Left out: the argument is a handle. */
  index?: string
  /** The handle of the session that stays. */
  except?: string
  appid?: string
  json?: boolean
  /** That of the app: where it has secrets, values are hashed under them. */
  encryption?: SettledEncryption
}

/** Ends the session with a handle for good, or all with a value of an index. @throws {NotFound}, {UsageError} and {SessionError} */
export async function revoke (place: Place, argument: string, options: RevokeOptions, terminal: Terminal): Promise<number> {
  const { index, except, appid } = options
  if (except !== undefined && index === undefined) throw new UsageError('--except goes with --index: of one session nothing can stay')
  for (const handle of [except, index === undefined ? argument : undefined]) {
    if (handle !== undefined && nameOfHandle(handle) === null) throw new UsageError('that is not a handle: "file-sessions of" and "list --sessions" print them')
  }
  const sessions = await onlyAppid(place, appid)
  if (sessions === null) throw new NotFound(`${place.title} holds no sessions`)
  if (index === undefined) await revokeOne(place, sessions, argument, options, terminal)
  else await revokeAll(place, sessions, argument, { ...options, index }, terminal)
  return 0
}

async function revokeOne (place: Place, { appid }: AppidPlace, handle: string, { json = false, encryption }: RevokeOptions, terminal: Terminal): Promise<void> {
  if (!await indexIn(place, appid, encryption).revoke(handle)) throw new NotFound(`appid ${appid} has no session with this handle`)
  if (json) printJson(terminal.out, { appid, handle, revoked: 1 })
}

async function revokeAll (
  place: Place, sessions: AppidPlace, value: string, { index, except, json = false, encryption }: RevokeOptions & { index: string }, terminal: Terminal
): Promise<void> {
  const { appid } = sessions
  if (except !== undefined && await sessions.find(nameOfHandle(except) as string) === null) {
    throw new NotFound(`appid ${appid} has no session with the handle of --except: no session was ended`)
  }
  const revoked = await indexIn(place, appid, encryption).revokeAll(index, value, { except })
  if (revoked === 0 && except === undefined) await explainNothing(sessions, { index, encryption }, terminal)
  if (json) printJson(terminal.out, { appid, revoked })
  else print(terminal.out, `${appid}: ${revoked} revoked`)
}

/** No session is taken for expired: one that its app still serves must not be missed. */
function indexIn (place: Place, appid: string, encryption: SettledEncryption | undefined): SessionIndex {
  return indexOf(place.store(appid, ANY_AGE, encryption)) as SessionIndex
}
