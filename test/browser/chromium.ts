import { existsSync } from 'node:fs'
import { chromium, type Browser, type BrowserContext } from 'playwright-core'

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

const OPTIONS = {
  executablePath: EXECUTABLE,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'
  ]
}

/** Why the browser tests cannot run here; false when they can. */
export const skip = existsSync(EXECUTABLE)
  ? false
  : `there is no ${EXECUTABLE}: install Chromium, or set CHROMIUM to its path`

export async function launch (): Promise<Browser> {
  return await chromium.launch(OPTIONS)
}

/** A browser that keeps its profile in this directory when it is closed, and finds it there again. */
export async function launchWithProfile (directory: string): Promise<BrowserContext> {
  return await chromium.launchPersistentContext(directory, OPTIONS)
}
