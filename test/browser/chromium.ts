import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions } from 'playwright-core'
import type { Test } from 'tap'
import { hasCode } from '../../lib/errors'
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
      const context = patient(await browser.newContext(options))
      t.teardown(async () => { await context.close() })
      return context
    }
  }
}

/** Makes a directory for a profile, which is removed with the test. Not one of tap's: processes of a browser that was closed may still write there. */
export async function profileDirectory (t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chromium-'))
  t.teardown(async () => {
    while (!await isRemoved(directory));
  })
  return directory
}

async function isRemoved (directory: string): Promise<boolean> {
  try {
    await rm(directory, { recursive: true, force: true })
    return true
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY')) return false
    throw error
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
