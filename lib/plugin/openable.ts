import { hasRecords, type SessionStore, type StoreFeatures } from '../store/session-store'

/**
 * A store with the five methods that must get ready before the first request, and gives something
 * back after the last. It declares `openable`; a method `open` alone means nothing, because stores
 * have methods of that name for purposes of their own.
 */
export interface OpenableSessionStore extends SessionStore {
  readonly features: StoreFeatures & { readonly openable: true }
  /** Gets the store ready. May be called again. A rejection keeps the app from starting. */
  open (): Promise<void>
  /** Gives back what the store holds open. It leaves a client alone that it was given. May be called again. */
  close (): Promise<void>
}

/** Whether the plugin opens and closes the store: every store with records, and any that declares `openable`. */
export function isOpenable (store: SessionStore): store is SessionStore & Pick<OpenableSessionStore, 'open' | 'close'> {
  const features = store.features as Partial<OpenableSessionStore['features']> | undefined
  return hasRecords(store) || features?.openable === true
}
