import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions } from 'playwright-core'
import type { Test } from 'tap'
import { startSite, type Site } from './site'

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

interface OpenBrowser {
  site: Site
  /** A profile of its own, which ends with the test. */
  newContext: (t: Test, options?: BrowserContextOptions) => Promise<BrowserContext>
}

/** A browser that ends with the test. */
export async function launchChromium (t: Test): Promise<Browser> {
  const browser = await chromium.launch(OPTIONS)
  t.teardown(async () => { await browser.close() })
  return browser
}

/** A browser and a site to be looked at, for the tests within this one. */
export async function openBrowser (t: Test): Promise<OpenBrowser> {
  const site = await startSite(t, { sessionDir: join(t.testdir(), 'sessions') })
  const browser = await launchChromium(t)
  return {
    site,
    newContext: async (t, options = {}) => {
      const context = await browser.newContext(options)
      t.teardown(async () => { await context.close() })
      return context
    }
  }
}

/** A browser that keeps its profile in this directory when it is closed, and finds it there again. */
export async function launchWithProfile (directory: string): Promise<BrowserContext> {
  return await chromium.launchPersistentContext(directory, OPTIONS)
}
