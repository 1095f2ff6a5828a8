import { unlessMissing } from '../store/files/disk'
import { localDisk } from '../store/files/local-disk'
import { walkDirectory, type DirectoryEntry } from '../store/files/directory-walk'
import { isOurs } from '../store/files/ours'
import { SessionFile } from '../store/files/session-file'
import { forEachAppid, selectAppids } from './appids'
import { print, Progress, type Terminal } from './terminal'

/** An append takes microseconds: what is not whole after so long (ms) is torn. */
const IN_FLIGHT = 100

type Problem = 'torn' | 'foreign' | 'unreadable'

/** Reads every file, and names those that are torn or not ours. Changes nothing. */
export async function verify (sessionDir: string, { appid: onlyAppid }: { appid?: string }, terminal: Terminal): Promise<number> {
  const problems: Record<Problem, number> = { torn: 0, foreign: 0, unreadable: 0 }
  let sessions = 0
  const selection = await selectAppids(sessionDir, onlyAppid)
  for (const path of selection.foreign) {
    problems.foreign++
    print(terminal.out, `foreign  ${path}`)
  }
  const exitCode = await forEachAppid(selection, terminal, async ({ appid, directory }) => {
    const progress = new Progress(terminal, appid)
    try {
      for await (const entry of walkDirectory(directory, { onProgress: progress.report })) {
        if (entry.kind === 'session') sessions++
        const problem = await problemOf(entry)
        if (problem === null) continue
        problems[problem]++
        progress.print(`${problem}  ${entry.path}`)
      }
    } finally {
      progress.stop()
    }
  })
  print(terminal.out, `${sessions} session files: ${problems.torn} torn, ${problems.unreadable} unreadable; ` +
    `${problems.foreign} foreign files`)
  if (exitCode > 0 || problems.unreadable > 0) return 2
  return problems.torn + problems.foreign > 0 ? 1 : 0
}

async function problemOf (entry: DirectoryEntry): Promise<Problem | null> {
  if (entry.kind === 'foreign' || entry.kind === 'unreadable') return entry.kind
  if (entry.kind !== 'session') return null
  try {
    if (!await isOurs(localDisk, entry.path)) return await isThere(entry.path) ? 'foreign' : null
    if (!await isTorn(entry.path)) return null
    await localDisk.wait(IN_FLIGHT)
    return await isTorn(entry.path) ? 'torn' : null
  } catch {
    return 'unreadable'
  }
}

/** What went since it was listed is not a problem. */
async function isThere (path: string): Promise<boolean> {
  return await unlessMissing(localDisk.lstat(path)) !== null
}

async function isTorn (path: string): Promise<boolean> {
  const view = await new SessionFile(path, localDisk, false).read()
  return view !== null && (view.torn || view.tip === null)
}
