import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The files that there are below the directory: one for each session. */
export async function sessionFiles (sessionDir: string): Promise<string[]> {
  const entries = await readdir(sessionDir, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}
