import { SessionError, SessionStoreError } from '../errors'

/** Returns the error itself if it is a SessionError, and otherwise one with the client's words. */
export function asStoreError (error: unknown): SessionError {
  return error instanceof SessionError ? error : new SessionStoreError(reasonOf(error), { cause: error })
}

/** Returns what a client says went wrong. Several addresses of one host make an AggregateError, without words of its own. */
export function reasonOf (error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ')
  return (error as Error).message
}

/** Connects, and says which server it was when that fails. */
export async function connecting<T> (title: string, connect: PromiseLike<T>): Promise<T> {
  try {
    return await connect
  } catch (error) {
    throw new SessionStoreError(`cannot connect to ${title}: ${reasonOf(error)}`, { cause: error })
  }
}
