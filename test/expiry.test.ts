import t, { type Test } from 'tap'
import { constants, readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { SessionFileStore } from '../index'
import { localDisk, type Disk } from '../lib/store/disk'

const NO_ACCESS_TIME = constants.O_NOATIME ?? 0

function sessionDirectory (t: Test): string {
  return join(t.testdir(), 'sessions')
}

/** The paths of all session files under a directory. */
function sessionFiles (directory: string): string[] {
  return (readdirSync(directory, { recursive: true }) as string[])
    .filter(name => /[0-9a-f]{62}$/.test(name)).map(name => join(directory, name))
}

function age (path: string, seconds: number): void {
  const then = Date.now() / 1000 - seconds
  utimesSync(path, then, then)
}

t.test('an expired session does not live again because its file was read', async t => {
  const sessionDir = sessionDirectory(t)
  const { sesid } = await new SessionFileStore({ sessionDir }).createSession('text')
  for (const path of sessionFiles(sessionDir)) age(path, 7201)

  // A store of its own, for the file to be read rather than remembered.
  const store = new SessionFileStore({ sessionDir })
  t.equal(await store.getSession(sesid), null, 'expired')
  t.equal(await store.getSession(sesid), null, 'and still so after the file was read')
})

t.test('a file that another user owns is read all the same', async t => {
  const sessionDir = sessionDirectory(t)
  const { sesid } = await new SessionFileStore({ sessionDir }).createSession('text')
  const refused: string[] = []
  const disk: Disk = {
    ...localDisk,
    async open (path, flags, mode) {
      if ((flags & NO_ACCESS_TIME) !== 0) {
        refused.push(path)
        throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' })
      }
      return await localDisk.open(path, flags, mode)
    }
  }
  t.equal(await new SessionFileStore({ sessionDir }, disk).getSession(sesid), 'text')
  t.equal(refused.length, process.platform === 'linux' ? 1 : 0)
})
