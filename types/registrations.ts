import type { ReindexCounts } from '../lib/session/reindexing'
import type { RequestSession } from '../lib/session/session'
import type { SessionFileStore } from '../lib/store/files/session-file-store'
import type { SessionData, SessionRegistrations } from './session-data'

/** The name of a registration: `session`, or one that {@link SessionRegistrations} declares. */
export type RegisteredName = 'session' | OtherName

/** What the sessions of a registration hold. */
export type RegisteredData<Name extends string> =
  Name extends keyof SessionRegistrations
    ? SessionRegistrations[Name] extends { data: infer Data extends object } ? Data : SessionData
    : SessionData

/**
 * What a session of any registration may hold: the data of all of them together. A name that several have is of the
 * type that it has in the first registration.
 */
export type AnyRegisteredData = FirstData & Omit<Both<{ [Name in OtherName]: Partial<RegisteredData<Name>> }[OtherName]>, keyof FirstData>

type FirstData = Partial<RegisteredData<'session'>>

/** Turns a union into an intersection. */
type Both<Union> = (Union extends object ? (each: Union) => void : never) extends (all: infer All extends object) => void ? All : unknown

/** The store of a registration. */
export type RegisteredStore<Name extends string> =
  Name extends keyof SessionRegistrations
    ? SessionRegistrations[Name] extends { store: infer Store } ? Store : SessionFileStore
    : SessionFileStore

/**
 * Returns the session that a Cookie header names, for code that has no request; null when it names no
 * live session. `save`, `update`, `reload` and `destroy` work as in a request; nothing is stored at an end.
 */
export type SessionLoader<Name extends string> = (cookieHeader: string | undefined) => Promise<RequestSession<RegisteredData<Name>> | null>

/** Enters all sessions that the store holds in the option `indexes`, and returns what became of them. @throws {SessionError} */
export type SessionReindexer = (signal?: AbortSignal) => Promise<ReindexCounts>

type OtherName = Exclude<keyof SessionRegistrations, 'session'> & string

/** What other registrations than the first decorate requests with. */
export type OtherRequestDecorators =
  { readonly [Name in OtherName]: RequestSession<RegisteredData<Name>> } &
  { readonly [Name in OtherName as `${Name}Loaded`]: boolean }

/** What other registrations than the first decorate the instance with. */
export type OtherInstanceDecorators =
  { readonly [Name in OtherName as `${Name}Store`]: RegisteredStore<Name> } &
  { readonly [Name in OtherName as `load${Capitalize<Name>}`]: SessionLoader<Name> } &
  { readonly [Name in OtherName as `reindex${Capitalize<Name>}s`]: SessionReindexer }
