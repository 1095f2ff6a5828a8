import { isOutage, SessionError, SessionStoreError } from '../errors'

/** Returns the error itself if it is a SessionError, and otherwise one with the client's words. */
export function asStoreError (error: unknown): SessionError {
  return error instanceof SessionError ? error : new SessionStoreError(reasonOf(error), { cause: error })
}

/** Returns what a client says went wrong. Several addresses of one host make an AggregateError, without words of its own. */
export function reasonOf (error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ')
  return (error as Error).message
}

/** Returns what an error says to the user of a command. A client that has lost its connection gives advice to apps. */
export function messageOf (error: Error): string {
  const isLost = isOutage(error) && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'LOST'
  return isLost ? 'the connection to the server was lost: is it running, and can this machine reach it?' : error.message
}

/** Connects, and says which server it was when that fails. */
export async function connecting<T> (title: string, connect: PromiseLike<T>): Promise<T> {
  try {
    return await connect
  } catch (error) {
    throw new SessionStoreError(`cannot connect to ${title}: ${reasonOf(error)}`, { cause: error })
  }
}
