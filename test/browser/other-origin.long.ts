import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { request, type RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { Document } from '../docs/document'
import { installBuilt } from '../support/built-package'
import { startApp } from '../support/child-app'
import { selfSigned } from './certificate'
import { openBrowser, skip } from './chromium'

/** Speaks https on a port of its own; returns the port. */
async function listen (t: Test, tls: { key: string, cert: string }, listener: RequestListener): Promise<number> {
  const server = createServer({ key: readFileSync(tls.key), cert: readFileSync(tls.cert) }, listener)
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

/** A proxy in front of the app, as the recipe has it. */
function proxy (target: string): RequestListener {
  return (incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming
    const onward = request(new URL(url, target), { method, headers: { ...headers, 'x-forwarded-proto': 'https' } }, answer => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  }
}

t.test('the recipe for a page on another origin, in a browser', { skip }, async t => {
  const directory = t.testdir()
  const tls = selfSigned(directory)
  if (tls === null) {
    t.pass('there is no openssl', { skip: 'install openssl to make a certificate' })
    return
  }
  await installBuilt(directory)
  const { snippets } = new Document('docs/recipes.md')
  await writeFile(join(directory, 'app.mjs'), snippets.get('other-origin')?.text ?? '')

  const pagePort = await listen(t, tls, (_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><link rel="icon" href="data:,"><title>Page</title>')
  })
  // Two sites, and so two origins: localhost and 127.0.0.1. A third, which is not the page's: the port counts for origins.
  const page = `https://localhost:${pagePort}`
  const app = await startApp(['app.mjs'], directory, { PAGE_ORIGIN: page })
  t.teardown(() => app.end('SIGKILL'))
  const api = `https://127.0.0.1:${await listen(t, tls, proxy(app.address.replace('[::1]', 'localhost')))}`
  const stranger = `https://localhost:${await listen(t, tls, (_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><link rel="icon" href="data:,"><title>Stranger</title>')
  })}`

  const script = snippets.get('other-origin-page')?.text.replace('https://api.example.net', api) ?? ''
  const { newContext } = await openBrowser(t)
  const context = await newContext(t, { ignoreHTTPSErrors: true })
  const tab = await context.newPage()
  const call = (tab: Page, parameters: string): Promise<unknown> => tab.evaluate(`(async () => {
    ${script}
    return await call(${parameters}).catch(error => error.name)
  })()`)

  await tab.goto(page)
  t.same(await call(tab, "'/user'"), { user: null })
  t.same(await call(tab, "'/login', { name: 'ada' }"), { hello: 'ada' })
  t.same(await call(tab, "'/user'"), { user: 'ada' })
  t.match((await context.cookies(api)).find(({ name }) => name === '__Host-sid') ?? {}, { sameSite: 'None', secure: true, httpOnly: true })

  // The same site as the page's, so it has the cookie, but another origin.
  await tab.goto(stranger)
  t.equal(await call(tab, "'/user'"), 'TypeError', 'another origin cannot read the answer')
  t.equal(await call(tab, "'/login', { name: 'eve' }"), 'TypeError')
  const sent = await tab.evaluate(`fetch('${api}/login', { method: 'POST', mode: 'no-cors', credentials: 'include',
    body: '{"name":"eve"}', headers: { 'content-type': 'text/plain' } }).then(({ type }) => type)`)
  t.equal(sent, 'opaque')
  await tab.goto(page)
  t.same(await call(tab, "'/user'"), { user: 'ada' }, 'nor change anything')

  // The cookie is partitioned: the API's own site has none.
  await tab.goto(`${api}/user`)
  t.same(JSON.parse(await tab.innerText('body')), { user: null })
})
