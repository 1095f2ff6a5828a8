import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { installBuilt, root } from '../support/built-package'
import { startApp, type ChildApp } from '../support/child-app'
import { freePort } from '../support/free-port'
import { launchChromium, launchWithProfile, profileDirectory, skip } from './chromium'

/** The example site in a process of its own, with a browser to look at it. */
class Visit {
  readonly #directory: string
  readonly #profile: string
  app: ChildApp
  context: BrowserContext
  /** What the browser complained of: scripts, styles or pictures that it refused, and the like. */
  readonly complaints: string[] = []

  private constructor (directory: string, profile: string, app: ChildApp, context: BrowserContext) {
    this.#directory = directory
    this.#profile = profile
    this.app = app
    this.context = context
    this.#listen()
  }

  static async begin (t: Test): Promise<Visit> {
    const directory = t.testdir()
    await installBuilt(directory)
    await cp(join(root, 'examples/site'), join(directory, 'site'), { recursive: true })
    const app = await startApp(['site/server.mjs'], directory, { PORT: String(await freePort()) })
    const profile = await profileDirectory(t)
    const visit = new Visit(directory, profile, app, await launchWithProfile(profile))
    t.teardown(async () => {
      await visit.context.close()
      await visit.app.end('SIGKILL')
    })
    return visit
  }

  async open (path: string, page?: Page): Promise<Page> {
    page ??= await this.context.newPage()
    await page.goto(this.app.address + path)
    return page
  }

  /** As a crash would; the new process has the same port and sessions. */
  async killServer (): Promise<void> {
    await this.app.end('SIGKILL')
    this.app = await startApp(['site/server.mjs'], this.#directory, { PORT: new URL(this.app.address).port })
  }

  /** With other settings; the sessions and the port stay. */
  async restartServer (env: NodeJS.ProcessEnv): Promise<void> {
    await this.app.end('SIGKILL')
    this.app = await startApp(['site/server.mjs'], this.#directory, { PORT: new URL(this.app.address).port, ...env })
  }

  async restartBrowser (): Promise<void> {
    await this.context.close()
    this.context = await launchWithProfile(this.#profile)
    this.#listen()
  }

  #listen (): void {
    this.context.on('console', message => { if (message.type() === 'error') this.complaints.push(message.text()) })
    this.context.on('weberror', error => { this.complaints.push(String(error.error())) })
  }
}

async function sees (page: Page, heading: string): Promise<void> {
  await page.getByRole('heading', { name: heading, exact: true }).waitFor()
}

async function logIn (page: Page, { remember }: { remember: boolean }): Promise<void> {
  await page.getByLabel('Name').fill('Ada')
  await page.getByLabel('Password').fill('correct horse')
  if (remember) await page.getByLabel('Remember me').check()
  await page.getByRole('button', { name: 'Log in' }).click()
  await sees(page, 'Good to see you, Ada')
}

async function add (page: Page, product: string): Promise<void> {
  await page.getByRole('button', { name: `Add ${product} to the cart` }).click()
  await page.getByRole('status').getByText(`${product}: put into your cart.`).waitFor()
}

async function piecesOf (page: Page): Promise<Record<string, number>> {
  const rows = await page.locator('tbody tr').all()
  return Object.fromEntries(await Promise.all(rows.map(async row =>
    [await row.locator('th').innerText(), Number(await row.locator('.stepper span').innerText())])))
}

t.test('the example site in a browser', { skip }, async t => {
  const visit = await Visit.begin(t)

  await t.test('remembered, with a cart from two tabs, through a crash and a new browser', async t => {
    const one = await visit.open('/login')
    await logIn(one, { remember: true })
    await one.getByRole('status').getByText('Welcome, Ada.').waitFor()
    const two = await visit.open('/shop')
    await visit.open('/shop', one)
    await add(one, 'Fountain pen')
    await add(two, 'Blue-black ink')
    await visit.open('/cart', one)
    t.same(await piecesOf(one), { 'Fountain pen': 1, 'Blue-black ink': 1 })
    // Both at once, each from its own tab.
    await visit.open('/cart', two)
    await Promise.all([one, two].map(async page => {
      const answered = page.waitForResponse(response => response.request().method() === 'GET' && response.url().endsWith('/cart?changed=add-pen'))
      await page.getByRole('button', { name: 'One Fountain pen more' }).click()
      await answered
    }))
    await visit.open('/cart', one)
    t.same(await piecesOf(one), { 'Fountain pen': 3, 'Blue-black ink': 1 })

    await visit.killServer()
    await visit.open('/cart', one)
    t.same(await piecesOf(one), { 'Fountain pen': 3, 'Blue-black ink': 1 }, 'after kill -9')
    await visit.restartBrowser()
    const again = await visit.open('/')
    await sees(again, 'Good to see you, Ada')
    await visit.open('/session', again)
    await again.getByText('30 days after the last visit').waitFor()
  })

  await t.test('logged out in one tab is logged out in the other', async t => {
    const [one, two] = [await visit.open('/shop'), await visit.open('/cart')]
    t.equal(await two.getByRole('button', { name: 'Log out' }).count(), 1)
    await one.getByRole('button', { name: 'Log out' }).click()
    await one.getByRole('status').getByText('You are logged out.').waitFor()
    await two.getByRole('button', { name: 'Order' }).click()
    await two.getByRole('status').getByText('There was nothing to order.').waitFor()
    t.equal(await two.getByRole('link', { name: 'Log in' }).count(), 1)
    t.equal(await two.getByText('Ada').count(), 0)
  })

  await t.test('on a phone nothing sticks out, nor on a large screen', async t => {
    const page = await visit.open('/login')
    await logIn(page, { remember: false })
    await visit.open('/shop', page)
    for (const product of ['Fountain pen', 'Squared notebook', 'Manila folder']) await add(page, product)
    for (let count = 0; count < 9; count++) await add(page, 'Fountain pen')
    for (const width of [320, 360, 412, 768, 1440]) {
      await page.setViewportSize({ width, height: 800 })
      for (const path of ['/', '/shop', '/cart', '/session', '/devices', '/confirm', '/login', '/nowhere']) {
        await visit.open(path, page)
        t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${path} at ${width}`)
        const navigation = await page.evaluate("(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('nav'))")
        t.equal(navigation, 0, `nothing of the navigation is cut off on ${path} at ${width}`)
      }
    }
  })

  await t.test('adding things by keyboard leaves the focus where it was', async t => {
    const page = await visit.open('/shop')
    const focused = page.locator(':focus')
    await page.getByRole('button', { name: 'Add Paper clips to the cart' }).focus()
    for (const count of [1, 2]) {
      await page.keyboard.press('Enter')
      await page.getByRole('listitem').filter({ hasText: 'Paper clips' }).getByText(`${count} in your cart`).waitFor()
      await focused.waitFor()
      t.equal(await focused.getAttribute('aria-label'), 'Add Paper clips to the cart')
    }
    await visit.open('/cart', page)
    await page.getByRole('button', { name: 'One Paper clips more' }).focus()
    await page.keyboard.press('Enter')
    await page.locator('button[value=clips][autofocus]').waitFor()
    await focused.waitFor()
    t.equal(await focused.getAttribute('aria-label'), 'One Paper clips more')
  })

  await t.test('three browsers: each sees the others, ends one, all others, and all', async t => {
    const browser = await launchChromium(t)
    const agents = { phone: 'Mozilla/5.0 (Linux; Android 14) Chrome/140.0', laptop: 'Mozilla/5.0 (X11; Linux) Firefox/140.0', tablet: 'Mozilla/5.0 (iPhone) Safari/605.1' }
    const open = async (userAgent: string): Promise<Page> => {
      const context = await browser.newContext({ userAgent, viewport: { width: 320, height: 700 }, colorScheme: 'dark' })
      const page = await visit.open('/login', await context.newPage())
      await logIn(page, { remember: false })
      return page
    }
    const [phone, laptop, tablet] = [await open(agents.phone), await open(agents.laptop), await open(agents.tablet)]
    await visit.open('/devices', phone)
    await sees(phone, 'My devices')
    t.match(await phone.locator('.devices h2').first().innerText(), /Chrome on Android this one/)
    t.match((await phone.locator('.devices h2').allInnerTexts()).sort().join(), /Firefox on Linux.*Safari on iPhone/)
    t.equal(await phone.evaluate('document.documentElement.scrollWidth'), 320)
    // By keyboard alone.
    await phone.getByRole('button', { name: 'Log out Firefox on Linux' }).focus()
    await phone.keyboard.press('Enter')
    await phone.getByRole('status').getByText('That device is logged out.').waitFor()
    await visit.open('/devices', laptop)
    await sees(laptop, 'Log in')
    await phone.getByRole('button', { name: 'Log out all others' }).click()
    await phone.getByRole('status').getByText(/other devices? (is|are) logged out/).waitFor()
    await visit.open('/', tablet)
    t.equal(await tablet.getByRole('link', { name: 'Log in' }).count(), 1)
    await logIn(await visit.open('/login', tablet), { remember: false })
    await phone.getByRole('button', { name: 'Log out everywhere' }).click()
    await phone.getByRole('status').getByText('You are logged out everywhere.').waitFor()
    for (const page of [phone, tablet]) {
      await visit.open('/', page)
      t.equal(await page.getByRole('link', { name: 'Log in' }).count(), 1)
    }
  })

  await t.test('an old login is asked for the password before the checkout', async t => {
    await visit.restartServer({ FRESH: '1' })
    const page = await visit.open('/login')
    await logIn(page, { remember: false })
    await visit.open('/shop', page)
    await add(page, 'Fountain pen')
    await page.waitForTimeout(1100)
    await visit.open('/cart', page)
    await page.getByRole('button', { name: 'Order' }).click()
    await sees(page, 'Your password')
    await page.getByLabel('Password').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('That is not your password.').waitFor()
    await visit.restartServer({ FRESH: '600' })
    await page.getByLabel('Password').fill('correct horse')
    await page.keyboard.press('Enter')
    await sees(page, 'Cart')
    await page.getByRole('button', { name: 'Order' }).click()
    await page.getByRole('status').getByText('Thank you. You ordered 1 thing').waitFor()
  })

  t.same(visit.complaints.filter(text => !/status of (404|401)/.test(text)), [], 'the browser had nothing to complain about')
})
