import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Starts an app that prints its address, lets `visit` use it, and kills it. */
export async function withApp (node, file, cwd, visit) {
  const env = { ...process.env, PORT: '0', SECRET: 'a secret that is long enough for all of them' }
  const child = spawn(node, [file], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  try {
    const address = await Promise.race([
      addressIn(child.stdout),
      exit.then(([code]) => { throw new Error(`${file} ended with ${code} before it listened`) })
    ])
    return await visit(new Visitor(address))
  } finally {
    child.kill('SIGKILL')
    await exit
  }
}

/** Checks an app that counts visits: it goes on counting after it was killed. */
export async function checkCounter (node, file, cwd) {
  const cookie = await withApp(node, file, cwd, async visitor => {
    assert.equal((await visitor.get('/')).visits, 1)
    assert.equal((await visitor.get('/')).visits, 2)
    assert.match(visitor.cookie, /^sid=(s%3A)?[\w-]{32}(\.[^;]+)?$/)
    return visitor.cookie
  })
  await withApp(node, file, cwd, async visitor => {
    visitor.cookie = cookie
    assert.equal((await visitor.get('/')).visits, 3)
  })
}

class Visitor {
  cookie = ''

  constructor (address) {
    this.address = address
  }

  get (path) {
    return this.#fetch(path, {})
  }

  post (path, body) {
    return this.#fetch(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  }

  async #fetch (path, { headers, ...init }) {
    const response = await fetch(this.address + path, { ...init, headers: { ...headers, ...(this.cookie && { cookie: this.cookie }) } })
    for (const header of response.headers.getSetCookie()) {
      const isCleared = /max-age=0\b|expires=thu, 01 jan 1970/i.test(header)
      this.cookie = isCleared ? '' : header.split(';')[0]
    }
    assert.equal(response.status, 200)
    return await response.json()
  }
}

async function addressIn (output) {
  for await (const line of createInterface(output)) {
    const [address] = /http:\/\/[\w.:[\]]+/.exec(line) ?? []
    // The rest is read, too, lest the app waits for a reader.
    if (address !== undefined) {
      output.resume()
      return address
    }
  }
  return await new Promise(() => {})
}
