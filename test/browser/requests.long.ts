import type { BrowserContext } from 'playwright-core'
import t, { type Test } from 'tap'
import { openBrowser, skip } from './chromium'
import { Tab } from './pages'

t.test('one session, used in many ways at once', { skip }, async t => {
  const { site, newContext } = await openBrowser(t)

  /** A fresh browser profile. */
  async function visit (t: Test): Promise<{ context: BrowserContext, tab: Tab }> {
    const context = await newContext(t)
    return { context, tab: new Tab(await context.newPage(), site.origin) }
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
    const { context, tab } = await visit(t)
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

  t.test('the server is killed and started again: nobody is logged out, nothing is lost', async t => {
    const { tab } = await visit(t)
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
