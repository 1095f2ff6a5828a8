import { sessionHandle, storageName } from '../store/session-id'
import type { SettledEncryption } from '../store/encryption-options'
import { openForwarding } from '../store/forwarding'
import { describeText } from './describe-text'
import { formatDuration } from './duration'
import { describedSeal, encryptedHow } from './encrypted-counts'
import { factsOf } from './list'
import { givenId, pastedWrongly } from './pasted-id'
import { openText } from './opened-text'
import { NotFound, type AppidPlace, type Place } from './place'
import { print, printError, printJson, printText, type Terminal } from './terminal'

interface SingleOptions { appid: string, json?: boolean, encryption?: SettledEncryption }

/**
 * Prints a session's text, and on standard error what else is known of it. It does not count as use.
 * A text that does not open is not printed: exit code 2.
 */
export async function show (place: Place, id: string, options: SingleOptions, terminal: Terminal): Promise<number> {
  const { appid, json = false, encryption } = options
  const { sesid, sessions } = await located(place, id, appid, terminal)
  const name = storageName(appid, sesid)
  const session = await sessions.find(name)
  if (session === null) throw notFound(appid, sesid)
  const { age, idle, size } = factsOf(session)
  const { format, sealed, text: stored } = describeText(session.text)
  const opened = stored === null || sealed === null ? { text: stored } : openText({ appid, sesid, encryption }, stored, sealed)
  const encrypted = sealed === null ? null : describedSeal(appid, sealed, encryption)
  const { text } = opened
  const { idleTimeout } = session
  const handle = sessionHandle(name)
  if (json) {
    printJson(terminal.out, { appid, handle, age: Math.round(age), idle: Math.round(idle), idleTimeout: idleTimeout ?? null, size, format, encrypted, text })
  } else {
    print(terminal.err, `handle ${handle}, made ${formatDuration(age)} ago, last used ${formatDuration(idle)} ago, ` +
      `may idle ${idleTimeout === undefined ? 'as long as the app says' : formatDuration(idleTimeout * 1000)}, ${size} bytes`)
    if (encrypted !== null) print(terminal.err, encryptedHow(encrypted))
    if (format === 'moving') print(terminal.err, 'it is on its way between two stores: MovingSessionStore, or copy --move, completes that')
    if (text !== null) printText(terminal.out, text)
  }
  if (!('reason' in opened)) return 0
  printError(terminal, opened.reason)
  return 2
}

/** Removes a session for good, as its visitor's logout would, and whatever happens to the machine. */
export async function remove (place: Place, id: string, options: SingleOptions, terminal: Terminal): Promise<number> {
  const { appid, json = false } = options
  const { sesid, sessions } = await located(place, id, appid, terminal)
  const name = storageName(appid, sesid)
  if (!await sessions.remove(name)) throw notFound(appid, sesid)
  if (json) printJson(terminal.out, { appid, handle: sessionHandle(name), removed: true })
  return 0
}

/** Follows a session that has moved to a new id by itself, as long as its old id leads there. */
async function located (place: Place, id: string, appid: string, terminal: Terminal): Promise<{ sesid: string, sessions: AppidPlace }> {
  const given = await givenId(id, terminal.in)
  const [sessions] = await place.appids(appid) as [AppidPlace]
  const found = await sessions.find(storageName(appid, given))
  const sesid = found === null ? given : openForwarding(appid, given, found.text)?.sesid ?? given
  return { sesid, sessions }
}

function notFound (appid: string, sesid: string): NotFound {
  const hint = pastedWrongly(sesid)
  return new NotFound(`appid ${appid} has no such session${hint === null ? '' : `: ${hint}`}`)
}
