import { text } from 'node:stream/consumers'
import { Clock } from '../store/clock'
import { unlessMissing } from '../store/files/disk'
import { localDisk } from '../store/files/local-disk'
import { holdsSession, SessionAges } from '../store/files/session-age'
import { sessionPath } from '../store/files/session-directory'
import { SessionFile } from '../store/files/session-file'
import { appidDirectory, NotFound } from './appids'
import { formatDuration } from './duration'
import { print, type Terminal } from './terminal'

/** Prints a session's text, and on standard error what else is known of it. It does not count as use. */
export async function show (sessionDir: string, id: string, { appid }: { appid: string }, terminal: Terminal): Promise<number> {
  const file = await fileOf(sessionDir, id, appid, terminal)
  const view = await file.read()
  if (view === null || !holdsSession(view)) throw new NotFound(`appid ${appid} has no such session`)
  const { age, idle, size } = new SessionAges({ idleTimeout: 1, absoluteTimeout: undefined }, new Clock()).info(view)
  const { idleTimeout } = view.tip
  terminal.err.write(`made ${formatDuration(age)} ago, last used ${formatDuration(idle)} ago, ` +
    `may idle ${idleTimeout === 0 ? 'as long as the app says' : formatDuration(idleTimeout * 1000)}, ${size} bytes\n`)
  print(terminal, view.tip.text)
  return 0
}

/** Removes a session for good, as its visitor's logout would. */
export async function remove (sessionDir: string, id: string, { appid }: { appid: string }, terminal: Terminal): Promise<number> {
  const file = await fileOf(sessionDir, id, appid, terminal)
  if (await unlessMissing(localDisk.lstat(file.path)) === null) throw new NotFound(`appid ${appid} has no such session`)
  await file.remove()
  return 0
}

async function fileOf (sessionDir: string, id: string, appid: string, terminal: Terminal): Promise<SessionFile> {
  // What stands in a command line, others can see while it runs, and a shell remembers.
  const sesid = id === '-' ? (await text(terminal.in)).trim() : id
  return new SessionFile(sessionPath(await appidDirectory(sessionDir, appid), appid, sesid), localDisk, false)
}
