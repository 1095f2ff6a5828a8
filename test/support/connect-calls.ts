import { promisify } from 'node:util'
import { type ConnectStore } from '../../lib/connect/connect-store'

/** The callback methods as promises. */
export function promised (store: ConnectStore) {
  return {
    get: promisify<string, { cookie: { originalMaxAge: number | null, expires?: Date | null }, [key: string]: unknown } | null | undefined>(store.get.bind(store)),
    set: promisify<string, object, void>(store.set.bind(store)),
    touch: promisify<string, object, void>(store.touch.bind(store)),
    destroy: promisify<string, void>(store.destroy.bind(store)),
    all: promisify<Array<Record<string, unknown>> | undefined>(store.all.bind(store)),
    length: promisify<number | undefined>(store.length.bind(store)),
    clear: promisify<void>(store.clear.bind(store))
  }
}

export const browserCookie = { originalMaxAge: null, expires: null, path: '/' }

export function cookieFor (maxAge: number): object {
  return { originalMaxAge: maxAge, expires: new Date(Date.now() + maxAge), path: '/' }
}
