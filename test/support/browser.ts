/** As much of a browser as a test needs: it keeps cookies and sends forms. */
export class Browser {
  readonly cookies = new Map<string, string>()
  address: string

  constructor (address: string) {
    this.address = address
  }

  get (path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#fetch(path, { headers })
  }

  post (path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Response> {
    return this.#fetch(path, { method: 'POST', body: new URLSearchParams(fields), headers })
  }

  async #fetch (path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(this.address + path, {
      ...init, redirect: 'manual', headers: { ...init.headers, ...(cookie === '' ? {} : { cookie }) }
    })
    for (const header of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
      if (/max-age=0\b|expires=thu, 01 jan 1970/i.test(header)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return response
  }
}
