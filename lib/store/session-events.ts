import { isWatched, publish, type DiagnosticsEvents } from '../diagnostics'
import { sessionHandle } from './session-id'

/** Tells that a session began, and whether with a login. Sessions are given by name here, and published by handle. */
export function publishCreated (appid: string, name: string, authenticated: boolean): void {
  if (isWatched('created')) publish('created', { appid, session: sessionHandle(name), authenticated })
}

/** Tells that a session has a new id. */
export function publishRenewed (appid: string, from: string, to: string, cause: DiagnosticsEvents['renewed']['cause']): void {
  if (isWatched('renewed')) publish('renewed', { appid, session: sessionHandle(to), from: sessionHandle(from), cause })
}

/** Tells that a session has ended. */
export function publishEnded (appid: string, name: string, reason: DiagnosticsEvents['ended']['reason']): void {
  if (isWatched('ended')) publish('ended', { appid, session: sessionHandle(name), reason })
}
