import type { PortableSession } from '../store-abilities'
import { lifespan } from './session-age'
import type { ListedSession } from './session-listing'

/** Returns a session with all that its file says of it, for another store to keep. */
export function portableSession (session: ListedSession): PortableSession {
  const { createdAt, lastAccess, idleTimeout } = lifespan(session)
  return {
    name: session.name,
    text: session.tip.text,
    idleTimeout: idleTimeout === 0 ? undefined : idleTimeout,
    createdAt,
    // File times are fractions of a millisecond.
    lastAccess: Math.round(lastAccess)
  }
}
