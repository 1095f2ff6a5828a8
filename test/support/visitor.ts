import type { FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'

/** A browser as far as these tests need one: it keeps cookies, and shows redirects rather than following them. */
export class Visitor {
  readonly cookies = new Map<string, string>()
  readonly #origin: string

  constructor (origin: string) {
    this.#origin = origin
  }

  get cookieHeader (): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  async get (path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return await this.#request(path, { headers })
  }

  /** Sends a form, as a browser does without JavaScript; or nothing. */
  async post (path: string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    const body = form === undefined ? null : new URLSearchParams(form)
    return await this.#request(path, { method: 'POST', body, headers })
  }

  /** A second browser with the same cookies, such as a thief's. */
  copy (): Visitor {
    const copy = new Visitor(this.#origin)
    for (const [name, value] of this.cookies) copy.cookies.set(name, value)
    return copy
  }

  async #request (path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Answer> {
    const cookie: Record<string, string> = this.cookies.size === 0 ? {} : { cookie: this.cookieHeader }
    const response = await fetch(new URL(path, this.#origin), {
      ...init,
      redirect: 'manual',
      headers: { ...cookie, ...init.headers }
    })
    const setCookies = response.headers.getSetCookie()
    for (const line of setCookies) this.#keep(line)
    return { status: response.status, headers: response.headers, setCookies, text: await response.text() }
  }

  #keep (line: string): void {
    const [pair = '', ...attributes] = line.split(';').map(part => part.trim())
    const name = pair.slice(0, pair.indexOf('='))
    const isCleared = attributes.some(attribute => {
      const [key = '', value = ''] = attribute.split('=')
      return (/^max-age$/i.test(key) && Number(value) <= 0) || (/^expires$/i.test(key) && Date.parse(value) <= Date.now())
    })
    if (isCleared) this.cookies.delete(name)
    else this.cookies.set(name, pair.slice(name.length + 1))
  }
}

export interface Answer {
  status: number
  headers: Headers
  setCookies: string[]
  text: string
}

/** Starts the app on a free port and answers its origin. The app is closed when the test ends. */
export async function listen (t: { teardown: (end: () => Promise<void>) => void }, app: FastifyInstance): Promise<string> {
  t.teardown(async () => { await app.close() })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}
