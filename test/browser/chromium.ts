import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type BrowserContext, type BrowserContextOptions } from 'playwright-core'
import type { Test } from 'tap'
import { startSite, type Site } from './site'

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

/** No waiting is ended by the clock: a machine that is busy may take its time. What never comes ends the test file, see work-limit.cjs. */
const UNLIMITED = 0

const OPTIONS = {
  executablePath: EXECUTABLE,
  timeout: UNLIMITED,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'
  ]
}

/** Why the browser tests cannot run here; false when they can. */
export const skip = existsSync(EXECUTABLE)
  ? false
  : `there is no ${EXECUTABLE}: install Chromium, or set CHROMIUM to its path`

interface OpenBrowser {
  site: Site
  /** A profile of its own, which ends with the test. */
  newContext: (t: Test, options?: BrowserContextOptions) => Promise<BrowserContext>
}

/** A browser and a site to be looked at, for the tests within this one. */
export async function openBrowser (t: Test): Promise<OpenBrowser> {
  const site = await startSite(t, { sessionDir: join(t.testdir(), 'sessions') })
  const browser = await chromium.launch(OPTIONS)
  t.teardown(async () => { await browser.close() })
  return {
    site,
    newContext: async (t, options = {}) => {
      const context = patient(await browser.newContext(options))
      t.teardown(async () => { await context.close() })
      return context
    }
  }
}

/** A browser that keeps its profile in this directory when it is closed, and finds it there again. */
export async function launchWithProfile (directory: string): Promise<BrowserContext> {
  return patient(await chromium.launchPersistentContext(directory, OPTIONS))
}

function patient (context: BrowserContext): BrowserContext {
  context.setDefaultTimeout(UNLIMITED)
  context.setDefaultNavigationTimeout(UNLIMITED)
  return context
}
