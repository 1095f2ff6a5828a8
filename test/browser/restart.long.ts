import { join } from 'node:path'
import t from 'tap'
import { launchWithProfile, profileDirectory, skip } from './chromium'
import { Tab } from './pages'
import { startSite } from './site'

t.test('the browser is closed and opened again', { skip }, async t => {
  for (const remember of [false, true]) {
    t.test(remember ? 'remember me: still logged in' : 'a session cookie is gone', async t => {
      const directory = t.testdir()
      const site = await startSite(t, { sessionDir: join(directory, 'sessions') })
      const profile = await profileDirectory(t)
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
