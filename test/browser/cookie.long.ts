import { join } from 'node:path'
import type { BrowserContext } from 'playwright-core'
import t, { type Test } from 'tap'
import { selfSigned } from './certificate'
import { openBrowser, skip } from './chromium'
import { Tab } from './pages'
import { startSite } from './site'

t.test('the cookie, as a browser keeps it', { skip }, async t => {
  const { site, newContext } = await openBrowser(t)

  /** A fresh browser profile. */
  async function visit (t: Test): Promise<{ context: BrowserContext, tab: Tab }> {
    const context = await newContext(t)
    return { context, tab: new Tab(await context.newPage(), site.origin) }
  }

  t.test('SameSite: another site\'s form comes without the session, its link with it', async t => {
    const { tab } = await visit(t)
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

  t.test('a junk cookie of the name, on a longer path, neither hides the session nor ends it', async t => {
    const { context, tab } = await visit(t)
    await tab.logIn('alice')
    await context.addCookies([{ name: 'sid', value: 'junk', domain: '127.0.0.1', path: '/account' }])
    await tab.open('/account')
    await tab.sees('Secret account')
    const cookies = await context.cookies()
    t.strictSame(cookies.map(({ name, path }) => [name, path]).sort(), [['sid', '/'], ['sid', '/account']], 'both are left alone')
    await tab.open()
    await tab.sees('Hello alice')
  })

  t.test('HttpOnly: scripts see no cookie', async t => {
    const { context, tab } = await visit(t)
    await tab.logIn('alice')
    t.equal(await tab.page.evaluate('document.cookie'), '')
    t.match(await context.cookies(), [{ name: 'sid', httpOnly: true, sameSite: 'Lax', secure: false, expires: -1, path: '/' }])
  })

  t.test('__Host- over https', async t => {
    const directory = t.testdir()
    const tls = selfSigned(directory)
    if (tls === null) {
      t.pass('skipped', { skip: 'there is no openssl to make a certificate with' })
      return
    }
    const site = await startSite(t, { sessionDir: join(directory, 'sessions'), appid: '__Host-sid' }, tls)
    const context = await newContext(t, { ignoreHTTPSErrors: true })
    const tab = new Tab(await context.newPage(), site.origin)
    await tab.logIn('alice')
    await tab.count(1)
    t.match(await context.cookies(), [{ name: '__Host-sid', secure: true, httpOnly: true, path: '/', domain: '127.0.0.1' }])
    await tab.logOut()
    t.same(await context.cookies(), [], 'it can be cleared, too')
  })
})
