import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from '../support/free-port'
import type { FileSessionsOptions } from '../../index'
import type { SiteOptions } from './app'

/** The site's process. It can be killed and started again, on the same port and the same sessions. */
export class Site {
  readonly #sessions: FileSessionsOptions
  readonly #tls: SiteOptions['tls']
  #process: ChildProcess | null = null
  #port: number | undefined

  constructor (sessions: FileSessionsOptions, tls?: SiteOptions['tls']) {
    this.#sessions = sessions
    this.#tls = tls
  }

  get origin (): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}`
  }

  /** The same site under a name that makes it another site to the browser. */
  get otherOrigin (): string {
    return this.origin.replace('127.0.0.1', 'localhost')
  }

  async start (): Promise<this> {
    this.#port ??= await freePort()
    const options: SiteOptions = { port: this.#port, sessions: this.#sessions }
    if (this.#tls !== undefined) options.tls = this.#tls
    const child = fork(join(__dirname, 'app.ts'), [JSON.stringify(options)])
    this.#process = child
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => { throw new Error(`the site ended with ${code} before it listened`) })
    ])
    return this
  }

  /** As a crash or the out-of-memory killer would: nothing is said or saved. */
  async kill (): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null || child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
}

/** Starts a site that ends with the test. */
export async function startSite (t: Test, sessions: FileSessionsOptions, tls?: SiteOptions['tls']): Promise<Site> {
  const site = new Site(sessions, tls)
  t.teardown(async () => { await site.kill() })
  return await site.start()
}
