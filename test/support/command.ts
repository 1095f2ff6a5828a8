import type { Test } from 'tap'
import { join } from 'node:path'
import { SessionFileStore } from '../../index'
import { run } from '../../lib/cli/program'
import { newFile, sessionDirectory, sessionFiles } from './session-files'
import { newSession } from './new-session'
import { testTerminal, type Printed } from './terminal'

export interface Outcome extends Printed { exitCode: number }

/** Runs the command as a shell would, with text on standard input. */
export async function fileSessions (args: string[], options: { input?: string, isTTY?: boolean } = {}): Promise<Outcome> {
  const { terminal, printed } = testTerminal(options)
  const exitCode = await run(args, terminal)
  return { exitCode, ...printed }
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
