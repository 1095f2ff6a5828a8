import type { CookieChange, Visit } from '../../lib/session/session-manager'
import { MemoryStore } from './map-store'
import { Visits } from './visits'

export const RENEWAL = { after: 3600, grace: 10 }
/** A response that the cookie can go out on. */
export const OPEN = { closedBecause: () => null, put () {}, opened () {} }

/** A session whose id is old enough to be renewed, with requests that have loaded it. */
export async function begin (data: Record<string, unknown> = { user: 'ada' }, store: MemoryStore = new MemoryStore()) {
  const visits = new Visits(store, { renewal: RENEWAL })
  const sesid = await visits.stored(data)
  const createdAt = Date.now() - 2 * 3600_000
  const name = store.nameOf(sesid)
  store.write(name, { ...store.recordOf(sesid), text: store.peek(name)?.text ?? '', createdAt })
  const request = async (id = sesid): Promise<Visit> => {
    const visit = await visits.begin(id)
    visit.outlet = OPEN
    return visit
  }
  /** A whole request that does nothing. */
  const pass = async (id = sesid): Promise<CookieChange> => await visits.finish(await request(id))
  return { store, visits, sesid, name, createdAt, request, pass }
}

/** The id in the cookie that is sent. */
export function sent (change: CookieChange): string {
  if (change.change !== 'send') throw new Error(`the cookie: ${change.change}`)
  return change.sesid
}
