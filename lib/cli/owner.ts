import { lstat, readlink, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { SessionFileError } from '../errors'
import { unlessMissing } from '../store/files/disk'

/**
 * Does the work as the user that the session directory belongs to, if the command was started by
 * root: with no more power than the app has, whatever lies in the directory. A directory that is not
 * there belongs to the user that starts the command. The path is absolute.
 *
 * @throws {SessionFileError} when another user decides what the path leads to
 */
export async function asOwnerOf (sessionDir: string, work: () => Promise<number>): Promise<number> {
  const owner = process.geteuid?.() === 0 ? await unlessMissing(stat(sessionDir)) : null
  if (owner === null) return await work()
  const guide = await guideOf(sessionDir)
  if (guide !== owner.uid) {
    throw new SessionFileError(`${sessionDir} belongs to user ${owner.uid}, and user ${guide} decides what that path leads to: ` +
      `run the command as user ${owner.uid}`)
  }
  if (owner.uid === 0) return await work()
  // Where there is a root, there are these.
  const { getgroups, setgroups, setegid, seteuid } = process as Required<NodeJS.Process>
  const groups = getgroups()
  setgroups([])
  setegid(owner.gid)
  seteuid(owner.uid)
  try {
    return await work()
  } finally {
    seteuid(0)
    setegid(0)
    setgroups(groups)
  }
}

/**
 * Returns the user who decides what the path leads to: the owner of the first directory or link on
 * it that is not root's. That user can put a link to a directory of yet another user there, at any time.
 */
async function guideOf (path: string): Promise<number> {
  const names = path.split('/')
  let directory = '/'
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const next = join(directory, name)
    const status = await lstat(next)
    if (status.uid !== 0) return status.uid
    if (!status.isSymbolicLink()) {
      directory = next
      continue
    }
    const target = await readlink(next)
    names.unshift(...target.split('/'))
    if (isAbsolute(target)) directory = '/'
  }
  return 0
}
