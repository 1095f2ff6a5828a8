import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Disk } from '../../lib/store/files/disk'
import { localDisk } from '../../lib/store/files/local-disk'
import { SessionFile } from '../../lib/store/files/session-file'
import { recordOf } from './journal-files'

export function directory (t: Test): string {
  const dir = join(t.testdir(), 'sessions')
  mkdirSync(dir, { mode: 0o700 })
  return dir
}

export async function newFile (t: Test, text = 'first', disk: Disk = localDisk, durable = false): Promise<SessionFile> {
  const file = new SessionFile(join(directory(t), 'file'), disk, durable)
  await file.create(recordOf(text))
  // A file is made under another name, so its change time is new.
  await file.read()
  return file
}

/** The same file, for another process, which has seen nothing of it. */
export function another (file: SessionFile, disk: Disk = localDisk): SessionFile {
  return new SessionFile(file.path, disk, false)
}

export function tipId (file: SessionFile): string {
  const id = file.view?.tip?.id
  if (id === undefined) throw new Error('nothing was read of the file')
  return id
}

export async function textOf (file: SessionFile): Promise<string | undefined> {
  return (await file.read())?.tip?.text
}
