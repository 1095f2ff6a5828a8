import { Clock, GRACE, type Lifetimes } from '../store/clock'
import { checkDisk } from '../store/files/disk-check'
import { probeDirectory } from '../store/files/disk-probe'
import { mountAt } from '../store/files/file-system'
import { localDisk } from '../store/files/local-disk'
import { platform as thisPlatform } from '../store/files/platform'
import { PrivateDirectory } from '../store/files/private-directory'
import { formatDuration, formatSize } from './duration'
import type { AppidPlace, Finding } from './place'
import type { AppidDirectory } from './session-directory'
import { timeLeftOf } from './time-left'

/** The plugin's reaper goes round every 15 minutes by default; so long (ms) after its end a session is late. */
const LATE = 60 * 60_000

type DirectoryAppid = AppidDirectory & Pick<AppidPlace, 'sessions'>

/** What can be said of a session directory that is itself private: that was found out when its appids were listed. */
export async function * directoryFindings (
  sessionDir: string, appids: DirectoryAppid[], limits: Lifetimes, platform = thisPlatform
): AsyncGenerator<Finding> {
  const owner = platform.describeAccess(await localDisk.stat(sessionDir))
  const complaints = await complaintsOf(appids)
  const doubts = [...complaints, ...await platform.warningsOf(sessionDir)]
  yield doubts.length === 0
    ? good('owner and mode', `${owner}, and so are the directories in it`)
    : { subject: 'owner and mode', isGood: false, text: doubts.join('; ') }
  const { name } = await platform.fileSystemOf(sessionDir)
  yield good('file system', name)
  yield good('access times', platform.keepsAccessTimes ? await accessTimesOf(sessionDir) : 'they say nothing here: a session was last used when its file was last changed')
  const { bavail, bsize, blocks, ffree, files } = await localDisk.statfs(sessionDir)
  yield { subject: 'space', isGood: bavail / blocks > 0.05, text: `${formatSize(bavail * bsize)} free (${percent(bavail, blocks)})` }
  yield files === 0
    ? good('inodes', 'the file system sets no limit')
    : { subject: 'inodes', isGood: ffree / files > 0.05, text: `${ffree} free (${percent(ffree, files)})` }
  for (const appid of appids) {
    yield await tried(appid)
    if (complaints.length === 0) yield await reaped(appid, limits)
  }
  if (appids.length === 0) yield { subject: 'appids', isGood: false, text: 'no app has made its directory here yet' }
}

/** Returns what keeps an app from using the directory of its appid. */
async function complaintsOf (appids: DirectoryAppid[]): Promise<string[]> {
  const looks = await Promise.allSettled(appids.map(({ directory }) => new PrivateDirectory(directory).checkAgain()))
  return looks.flatMap(look => look.status === 'rejected' ? (look.reason as Error).message : [])
}

/** What the plugin tries at the start. */
async function tried ({ appid, directory }: DirectoryAppid): Promise<Finding> {
  const subject = `${appid}: trial`
  try {
    const warnings = await probeDirectory(directory, { durable: false, allowUnsafe: false })
    await checkDisk(directory, { freeBytes: 0, freeFiles: 0 })
    if (warnings.length > 0) return { subject, isGood: false, text: warnings.join('; ') }
    return good(subject, 'sessions can be stored, and the file system keeps the promises')
  } catch (error) {
    return { subject, isGood: false, text: (error as Error).message }
  }
}

/** A reaper leaves no trace but what it removes: the session that is over for longest tells when it cannot have come by. */
async function reaped (appid: DirectoryAppid, limits: Lifetimes): Promise<Finding> {
  const clock = new Clock()
  let [sessions, expired, longest, unreadable] = [0, 0, 0, 0]
  for await (const session of appid.sessions(() => {})) {
    if (session.name === undefined) {
      unreadable++
      continue
    }
    sessions++
    const over = -timeLeftOf(session, limits, clock) - GRACE
    if (over <= 0) continue
    expired++
    longest = Math.max(longest, over)
  }
  const subject = `${appid.appid}: reaper`
  const count = `${sessions} sessions, ${expired} of them expired${unreadable === 0 ? '' : `, ${unreadable} files unreadable`}`
  if (expired === 0) return { subject, isGood: unreadable === 0, text: `${count}: it leaves nothing behind` }
  return {
    subject,
    isGood: longest < LATE && unreadable === 0,
    text: `${count}, the first ${formatDuration(longest)} ago: it has not removed them since, if --idle is the app's idleTimeout`
  }
}

async function accessTimesOf (sessionDir: string): Promise<string> {
  const noatime = await mountedWithoutAccessTimes(sessionDir)
  return noatime ? 'the mount is noatime, which is fine: the store sets them itself' : 'the store sets them itself, whatever the mount says'
}

async function mountedWithoutAccessTimes (directory: string): Promise<boolean> {
  try {
    const mount = mountAt(await localDisk.mounts(), await localDisk.realpath(directory))
    return mount?.options.includes('noatime') === true
  } catch {
    // The list of mounts is Linux's.
    return false
  }
}

function good (subject: string, text: string): Finding {
  return { subject, isGood: true, text }
}

function percent (part: number, whole: number): string {
  return `${Math.floor(100 * part / whole)}%`
}
