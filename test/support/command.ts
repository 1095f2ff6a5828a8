import type { Test } from 'tap'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { SessionFileStore } from '../../index'
import { run } from '../../lib/cli/program'
import { newFile, sessionDirectory, sessionFiles } from './session-files'
import { newSession } from './new-session'

export interface Outcome { exitCode: number, out: string, err: string }

/** Runs the command as a shell would, with text on standard input. */
export async function fileSessions (args: string[], { input = '', isTTY = false } = {}): Promise<Outcome> {
  const outcome = { exitCode: 0, out: '', err: '' }
  const into = (name: 'out' | 'err'): Writable => new Writable({
    write (chunk, _encoding, done) {
      outcome[name] += String(chunk)
      done()
    }
  })
  const err = Object.assign(into('err'), { isTTY, columns: 80 })
  outcome.exitCode = await run(args, { in: Readable.from([input]), out: into('out'), err })
  return outcome
}

/** A directory with sessions of two apps: three of `shop`, one of `__Host-admin`. */
export async function twoApps (t: Test) {
  const sessionDir = sessionDirectory(t)
  const shop = new SessionFileStore({ sessionDir, appid: 'shop' })
  const admin = new SessionFileStore({ sessionDir, appid: '__Host-admin' })
  const { sesid } = await newSession(shop, '{"user":"anna"}')
  const path = newFile(sessionDir)
  await newSession(shop, '{}')
  await newSession(shop, '')
  await newSession(admin, '{"user":"root"}')
  return { sessionDir, shop, admin, sesid, path, shopFiles: sessionFiles(join(sessionDir, 'shop')) }
}
