import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { passTick } from './disks'
import { sealedJournal } from './journal-files'

export function sealedFile (t: Test, text = 'sealed'): string {
  const dir = join(t.testdir(), 'sessions')
  mkdirSync(dir, { mode: 0o700 })
  const path = join(dir, 'file')
  seal(path, text)
  return path
}

/** Makes the file a sealed one. Its rewrite has no tick to wait for, so that it always makes the same calls. */
export function seal (path: string, text = 'sealed'): void {
  writeFileSync(path, sealedJournal(text), { mode: 0o600 })
  passTick(path)
}

export function beside (path: string): string[] {
  return readdirSync(join(path, '..')).sort()
}
