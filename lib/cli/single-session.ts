import { text } from 'node:stream/consumers'
import { asSessionError } from '../errors'
import { Clock } from '../store/clock'
import { sessionPath } from '../store/files/file-names'
import { localDisk } from '../store/files/local-disk'
import { isOurs } from '../store/files/ours'
import { PrivateDirectory } from '../store/files/private-directory'
import { holdsSession, SessionAges } from '../store/files/session-age'
import { SessionFile } from '../store/files/session-file'
import { storageName } from '../store/session-id'
import { appidDirectory, NotFound } from './appids'
import { formatDuration } from './duration'
import { print, printText, type Terminal } from './terminal'

interface ByAppid { appid: string }

/** Prints a session's text, and on standard error what else is known of it. It does not count as use. */
export async function show (sessionDir: string, id: string, { appid }: ByAppid, terminal: Terminal): Promise<number> {
  return await withFile(sessionDir, id, appid, terminal, 'read a session', async file => {
    const view = await file.read()
    if (view === null || !holdsSession(view)) throw notFound(appid)
    const { age, idle, size } = new SessionAges({ idleTimeout: 1, absoluteTimeout: undefined }, new Clock()).info(view)
    const { idleTimeout } = view.tip
    print(terminal.err, `made ${formatDuration(age)} ago, last used ${formatDuration(idle)} ago, ` +
      `may idle ${idleTimeout === 0 ? 'as long as the app says' : formatDuration(idleTimeout * 1000)}, ${size} bytes`)
    printText(terminal.out, view.tip.text)
  })
}

/** Removes a session for good, as its visitor's logout would, and whatever happens to the machine. */
export async function remove (sessionDir: string, id: string, { appid }: ByAppid, terminal: Terminal): Promise<number> {
  return await withFile(sessionDir, id, appid, terminal, 'remove a session', file => file.remove())
}

/** Does something with the session's file, if it is one of ours. */
async function withFile (
  sessionDir: string, id: string, appid: string, terminal: Terminal, doing: string, work: (file: SessionFile) => Promise<unknown>
): Promise<number> {
  // What stands in a command line, others can see while it runs, and a shell remembers.
  const sesid = id === '-' ? (await text(terminal.in)).trim() : id
  const directory = await appidDirectory(sessionDir, appid)
  const name = storageName(appid, sesid)
  const file = new SessionFile(sessionPath(directory, name), localDisk, true)
  await new PrivateDirectory(directory).check(name)
  try {
    if (!await isOurs(localDisk, file.path)) throw notFound(appid)
    await work(file)
  } catch (error) {
    throw asSessionError(doing, directory, error)
  }
  return 0
}

function notFound (appid: string): NotFound {
  return new NotFound(`appid ${appid} has no such session`)
}
