import { join } from 'node:path'
import type { Browser, BrowserContext } from 'playwright-core'
import t, { type Test } from 'tap'
import type { FileSessionsOptions } from '../../index'
import { selfSigned } from './certificate'
import { launch, launchWithProfile, skip } from './chromium'
import { Tab } from './pages'
import { Site } from './site'

t.test('in a real browser', { skip }, async t => {
  let browser: Browser
  t.before(async () => { browser = await launch() })
  t.after(async () => { await browser.close() })

  /** A fresh browser profile on a fresh site. */
  async function visit (t: Test): Promise<{ site: Site, context: BrowserContext, tab: Tab }> {
    const site = await startSite(t)
    const context = await browser.newContext()
    t.teardown(async () => { await context.close() })
    return { site, context, tab: new Tab(await context.newPage(), site.origin) }
  }

  t.test('20 requests at once, each changing the session: none is lost', async t => {
    const { tab } = await visit(t)
    await tab.logIn('alice')
    const numbers = Array.from({ length: 20 }, (_, index) => index)
    t.same(await tab.postAll(numbers.map(number => `/mark/${number}`)), numbers.map(() => 200))
    t.same(await tab.json('/marks'), { marks: 20 })
    await tab.postAll(numbers.map(() => '/count'))
    await tab.open()
    await tab.seesCounter(20)
  })

  t.test('two tabs: logged out in one is logged out in the other', async t => {
    const { site, context, tab } = await visit(t)
    const other = new Tab(await context.newPage(), site.origin)
    await tab.logIn('alice')
    await other.open()
    await other.sees('Hello alice')
    await other.count(1)

    await tab.press('Log out')
    await tab.sees('Not logged in')
    await other.press('Count')
    await other.sees('Log in first')
    await other.open()
    await other.sees('Not logged in')
    t.same(await context.cookies(), [])
  })

  t.test('back: pages of before work on, and show nothing after the logout', async t => {
    const { tab } = await visit(t)
    await tab.logIn('alice')
    await tab.count(1)
    await tab.count(2)
    await tab.back()
    await tab.count(3)

    await tab.follow('Account')
    await tab.sees('Secret account')
    await tab.follow('Home')
    await tab.logOut()
    await tab.open('/marks')
    for (let steps = 0; steps < 4; steps++) {
      await tab.back()
      t.equal(await tab.page.getByText('Secret account').count(), 0)
    }
  })

  t.test('SameSite: another site\'s form comes without the session, its link with it', async t => {
    const { site, tab } = await visit(t)
    await tab.logIn('alice')
    const elsewhere = `${site.otherOrigin}/elsewhere?target=${site.origin}`

    await tab.page.goto(elsewhere)
    await tab.press('Win a prize')
    await tab.sees('Log in first')

    await tab.page.goto(elsewhere)
    await tab.follow('A link')
    await tab.sees('Hello alice')
    await tab.seesCounter(0)

    // The same form, from the site itself, is what would have counted.
    await tab.page.goto(`${site.origin}/elsewhere?target=${site.origin}`)
    await tab.press('Win a prize')
    await tab.seesCounter(1)
  })

  t.test('HttpOnly: scripts see no cookie', async t => {
    const { context, tab } = await visit(t)
    await tab.logIn('alice')
    t.equal(await tab.page.evaluate('document.cookie'), '')
    t.match(await context.cookies(), [{ name: 'sid', httpOnly: true, sameSite: 'Lax', secure: false, expires: -1, path: '/' }])
  })

  t.test('__Host- over https', async t => {
    const tls = selfSigned(t.testdir())
    if (tls === null) return t.skip('there is no openssl to make a certificate with')
    const site = await startSite(t, { appid: '__Host-sid' }, tls)
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    t.teardown(async () => { await context.close() })
    const tab = new Tab(await context.newPage(), site.origin)
    await tab.logIn('alice')
    await tab.count(1)
    t.match(await context.cookies(), [{ name: '__Host-sid', secure: true, httpOnly: true, path: '/', domain: '127.0.0.1' }])
    await tab.logOut()
    t.same(await context.cookies(), [], 'it can be cleared, too')
  })

  t.test('the server is killed and started again: nobody is logged out, nothing is lost', async t => {
    const { site, tab } = await visit(t)
    await tab.logIn('alice')
    await tab.count(1)
    await site.kill()
    await t.rejects(tab.open(), /ERR_CONNECTION_REFUSED/)
    await site.start()
    await tab.open()
    await tab.sees('Hello alice')
    await tab.count(2)
  })
})

t.test('the browser is closed and opened again', { skip }, async t => {
  for (const remember of [false, true]) {
    t.test(remember ? 'remember me: still logged in' : 'a session cookie is gone', async t => {
      const site = await startSite(t)
      const profile = join(t.testdir(), 'profile')
      const withTab = async (use: (tab: Tab) => Promise<void>): Promise<void> => {
        const context = await launchWithProfile(profile)
        try {
          await use(new Tab(context.pages()[0] ?? await context.newPage(), site.origin))
        } finally {
          await context.close()
        }
      }
      await withTab(async tab => { await tab.logIn('alice', { remember }) })
      await withTab(async tab => {
        await tab.open()
        await tab.sees(remember ? 'Hello alice' : 'Not logged in')
        t.pass()
      })
    })
  }
})

async function startSite (t: Test, options: FileSessionsOptions = {}, tls?: { key: string, cert: string }): Promise<Site> {
  const site = new Site({ sessionDir: join(t.testdirName, 'sessions'), ...options }, tls)
  t.teardown(async () => { await site.kill() })
  return await site.start()
}
