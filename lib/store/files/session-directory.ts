import { storageName } from '../session-id'
import { sessionPath as pathOf } from './file-names'

export { directoryName } from './file-names'
export { makePrivateDirectory } from './private-directory'

/** For the store as long as it passes ids on; `sessionPath` of `file-names.ts` takes its place. */
export function sessionPath (directory: string, appid: string, sesid: string): string {
  return pathOf(directory, storageName(appid, sesid))
}
