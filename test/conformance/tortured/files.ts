import { SessionFileStore } from '../../../lib/store/files/session-file-store'

export function makeStore (): SessionFileStore {
  return new SessionFileStore({ sessionDir: process.env['TORTURED_DIRECTORY'] })
}
