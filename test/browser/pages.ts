import type { Page } from 'playwright-core'

/** What a person does on the site's pages, in one tab, and what they see there. */
export class Tab {
  readonly page: Page
  readonly #baseUrl: string

  constructor (page: Page, baseUrl: string) {
    this.page = page
    this.#baseUrl = baseUrl
  }

  async open (path = '/'): Promise<void> {
    await this.page.goto(new URL(path, this.#baseUrl).href)
  }

  async logIn (name: string, { remember = false } = {}): Promise<void> {
    await this.open()
    await this.page.getByLabel('Name').fill(name)
    if (remember) await this.page.getByLabel('Remember me').check()
    await this.press('Log in')
    await this.sees(`Hello ${name}`)
  }

  async logOut (): Promise<void> {
    await this.press('Log out')
    await this.sees('Not logged in')
  }

  async count (counter: number): Promise<void> {
    await this.press('Count')
    await this.seesCounter(counter)
  }

  async press (button: string): Promise<void> {
    await this.page.getByRole('button', { name: button }).click()
  }

  async follow (link: string): Promise<void> {
    await this.page.getByRole('link', { name: link }).click()
  }

  async back (): Promise<void> {
    await this.page.goBack()
  }

  /** Resolves when the heading is there. */
  async sees (heading: string): Promise<void> {
    await this.page.getByRole('heading', { name: heading, exact: true }).waitFor()
  }

  async seesCounter (counter: number): Promise<void> {
    await this.page.getByRole('status').getByText(String(counter), { exact: true }).waitFor()
  }

  /** One request for each path, all at once; answers their statuses. */
  async postAll (paths: string[]): Promise<number[]> {
    return await this.page.evaluate(async paths => {
      const answers = await Promise.all(paths.map(path => fetch(path, { method: 'POST', redirect: 'manual' })))
      return answers.map(answer => answer.status)
    }, paths)
  }

  async json (path: string): Promise<unknown> {
    return await this.page.evaluate(async path => (await fetch(path)).json() as Promise<unknown>, path)
  }
}
