import t from 'tap'
import { chmodSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { directoryFindings } from '../../lib/cli/directory-findings'
import { localDisk } from '../../lib/store/files/local-disk'
import { windowsPlatform } from '../../lib/store/files/platform'
import { age } from '../support/aged-sessions'
import { fileSessions, twoApps } from '../support/command'

const HOUR = 3600

t.test('doctor says that no reaper comes by', async t => {
  const { sessionDir, shopFiles } = await twoApps(t)
  age(shopFiles[0] as string, 7 * HOUR)
  t.match(await fileSessions(['doctor', sessionDir]), { exitCode: 1, out: /look {2}shop: reaper: 3 sessions, 1 of them expired, the first 4h 5\dm ago: it has not removed them since/ })
  t.match(await fileSessions(['doctor', sessionDir, '--idle', '390m']), { out: /good {2}shop: reaper: 3 sessions, 1 of them expired, the first 2\dm/ }, 'soon')
  truncateSync(shopFiles[0] as string, 4 * 1024 ** 3)
  t.match(await fileSessions(['doctor', sessionDir]), { exitCode: 1, out: /look {2}shop: reaper: 2 sessions, 0 of them expired, 1 files unreadable/ })
})

t.test('doctor tries out the file system', async t => {
  const { sessionDir } = await twoApps(t)
  const { statfs, mounts, mkdir } = localDisk
  const path = await localDisk.realpath(sessionDir)
  t.intercept(localDisk, 'mounts', { value: async () => `1 0 8:1 / / rw - ext4 x rw\n2 1 8:2 / ${path} rw,noatime - nfs4 x rw\n` })
  t.match(await fileSessions(['doctor', sessionDir]), { exitCode: 1, out: /file system: nfs4\n.*noatime, which is fine[^]*look {2}shop: trial: .*nfs4/ })
  t.intercept(localDisk, 'mounts', { value: async () => `1 0 8:1 / / rw - ext4 x rw\n2 1 8:2 / ${path} rw - fuse.own x rw\n` })
  t.match(await fileSessions(['doctor', sessionDir]), { exitCode: 1, out: /look {2}shop: trial: .*FUSE/ })
  t.intercept(localDisk, 'mounts', { value: async () => { throw new Error('not Linux') } })
  t.match(await fileSessions(['doctor', sessionDir]), { out: /access times: the store sets them itself, whatever/ })
  t.intercept(localDisk, 'mounts', { value: mounts })
  t.intercept(localDisk, 'statfs', { value: async (path: string) => ({ ...await statfs(path), bavail: 1, blocks: 1000, files: 0 }) })
  t.match(await fileSessions(['doctor', sessionDir]), { exitCode: 1, out: /look {2}space: .* free \(0%\)\ngood {2}inodes: the file system sets no limit/ })
  t.intercept(localDisk, 'statfs', { value: async (path: string) => ({ ...await statfs(path), ffree: 1, files: 1000 }) })
  t.match(await fileSessions(['doctor', sessionDir]), { exitCode: 1, out: /look {2}inodes: 1 free \(0%\)/ })
  t.ok(mkdir)
})

t.test('doctor says that a directory inside is open to others', async t => {
  const { sessionDir } = await twoApps(t)
  chmodSync(join(sessionDir, 'shop'), 0o755)
  const { exitCode, out, err } = await fileSessions(['doctor', sessionDir])
  t.match(out, /^look {2}owner and mode: others may use the session directory .*shop: run chmod 700/m)
  t.same([exitCode, err], [1, ''])
})

t.test('doctor on Windows speaks of no owners, modes and access times', async t => {
  const { sessionDir } = await twoApps(t)
  const findingsOn = async (warnings: string[]): Promise<string[]> => {
    const platform = { ...windowsPlatform, warningsOf: async () => warnings }
    const texts: string[] = []
    for await (const { text } of directoryFindings(sessionDir, [], { idleTimeout: HOUR, absoluteTimeout: HOUR }, platform)) texts.push(text)
    return texts
  }
  const findings = await findingsOn([])
  t.match(findings, ['as the directory above grants it, and so are the directories in it', 'a local volume', /^they say nothing here/])
  t.match(await findingsOn(['it is outside of the profile']), ['it is outside of the profile'])
})
