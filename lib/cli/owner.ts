import { directoryCalls } from '../store/files/directory-calls'
import { unlessMissing } from '../store/files/disk'

/**
 * Does the work as the user that the session directory belongs to, if the command was started by
 * root: with no more power than the app has, whatever lies in the directory. A directory that is not
 * there belongs to whoever starts the command.
 */
export async function asOwnerOf (sessionDir: string, work: () => Promise<number>): Promise<number> {
  const owner = process.geteuid?.() === 0 ? await unlessMissing(directoryCalls.stat(sessionDir)) : null
  if (owner === null || owner.uid === 0) return await work()
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
