import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { SessionFileStore } from '../../index'
import { installBuilt, root } from '../support/built-package'
import { startApp, type ChildApp } from '../support/child-app'
import { Client } from '../support/client'
import { sessionFiles } from '../support/session-files'

const LOGIN = { name: 'ada', password: 'correct horse' }
const MONTH = 30 * 24 * 60 * 60

let directory: string
/** What one visitor does to it is no matter to the next. */
let app: ChildApp

async function open (t: Test, env?: NodeJS.ProcessEnv): Promise<ChildApp> {
  const app = await startApp([join(directory, 'site/server.mjs')], directory, env)
  t.teardown(() => app.end('SIGKILL'))
  return app
}

async function visits (browser: Client): Promise<number> {
  const page = (await browser.get('/')).text
  return Number(/id="visits">(\d+)</.exec(page)?.[1])
}

t.before(async () => {
  directory = t.testdir()
  await installBuilt(directory)
  await cp(join(root, 'examples/site'), join(directory, 'site'), { recursive: true })
  app = await open(t)
})

t.test('a login, a cart and a count survive kill -9; the logout is final', async t => {
  const first = await open(t)
  const browser = new Client(first.address)
  await browser.post('/cart/add', { product: 'clips' })
  t.equal(await visits(browser), 1)
  t.equal(await visits(browser), 2)
  const anonymous = browser.jar.get('sid')

  const login = await browser.post('/login', LOGIN)
  t.equal(login.status, 303)
  t.notMatch(login.headers.get('set-cookie'), /max-age/i, 'the cookie goes with the browser')
  t.not(browser.jar.get('sid'), anonymous, 'a new id')
  t.match((await browser.get('/cart')).text, /Welcome, Ada\./)
  t.notMatch((await browser.get('/cart')).text, /Welcome/, 'messages are shown once')

  await Promise.all(Array.from({ length: 10 }, () => browser.post('/cart/add', { product: 'pen' })))
  await browser.post('/cart/add?back=cart', { product: 'ink' })
  await browser.post('/cart/remove', { product: 'ink' })
  await browser.post('/cart/remove', { product: 'clips' })
  t.match((await browser.get('/shop')).text, /10 in your cart/)
  const cart = /<span>10<\/span>.*Total<\/th><td class="number">€240\.00</s
  t.match((await browser.get('/cart')).text, cart, 'ten at once are ten')

  t.equal((await first.end('SIGKILL')).signal, 'SIGKILL')
  const again = await open(t)
  browser.url = again.address
  t.equal(await visits(browser), 3)
  t.match((await browser.get('/')).text, /Good to see you, Ada/)
  t.match((await browser.get('/cart')).text, cart)

  const loggedIn = browser.jar.get('sid') ?? ''
  t.equal((await browser.post('/logout')).status, 303)
  t.not(browser.jar.get('sid'), loggedIn)
  t.match((await browser.get('/')).text, /You are logged out\..*Everything for your desk/s)
  const thief = new Client(again.address)
  thief.jar.set('sid', loggedIn)
  t.match((await thief.get('/session')).text, /You have none/)
  t.ok(thief.jar.has('sid'), 'a cookie that names no session is left alone')
  t.same(await again.end('SIGTERM'), { code: 0, signal: null }, 'closes cleanly')
})

t.test('a mere visit leaves nothing behind', async t => {
  const cwd = t.testdir()
  const app = await startApp([join(directory, 'site/server.mjs')], cwd)
  t.teardown(() => app.end('SIGKILL'))
  const browser = new Client(app.address)
  for (const path of ['/', '/', '/shop', '/cart', '/session', '/login', '/nowhere']) await browser.get(path)
  t.match((await browser.get('/')).text, /Nothing is stored of you yet/)
  t.equal(browser.jar.size, 0)
  t.same(sessionFiles(join(cwd, 'sessions')), [])
})

t.test('another store, by one environment variable', async t => {
  const cannot = (store: string): Promise<ChildApp> => startApp([join(directory, 'site/server.mjs')], directory, { SESSION_STORE: store })
  await t.rejects(cannot('mysql://localhost'), { message: /The shop cannot open: SESSION_STORE must be a directory, redis:.* and not mysql:/ })

  // As in a project that has neither client installed.
  const elsewhere = await mkdtemp(join(tmpdir(), 'site-'))
  t.teardown(() => rm(elsewhere, { recursive: true }))
  await cp(join(root, 'examples/site/store.mjs'), join(elsewhere, 'store.mjs'))
  for (const [store, client] of [['redis://localhost', 'redis'], ['postgresql://localhost/shop', 'pg']] as const) {
    const program = `import { openStore } from './store.mjs'\nopenStore('${store}').catch(error => { console.log(error.message) })`
    await writeFile(join(elsewhere, 'app.mjs'), program)
    const { stdout } = await promisify(execFile)(process.execPath, ['app.mjs'], { cwd: elsewhere })
    t.equal(stdout, `SESSION_STORE needs the package ${client}: npm install ${client}\n`)
  }
})

t.test('remember me', async t => {
  const browser = new Client(app.address)
  const login = await browser.post('/login', { ...LOGIN, remember: 'on' })
  t.match(login.headers.get('set-cookie'), new RegExp(`Max-Age=${MONTH}`))
  t.match((await browser.get('/session')).text, /30 days after the last visit/)
})

t.test('an order can be sent once', async t => {
  const browser = new Client(app.address)
  await browser.post('/cart/add', { product: 'clips' })
  await browser.post('/cart/add', { product: 'clips' })
  await Promise.all([browser.post('/order'), browser.post('/order')])
  const page = (await browser.get('/cart')).text
  t.match(page, /There is nothing in it yet/)
  t.match(page, /You ordered 2 things|There was nothing to order/)
  await browser.post('/order')
  t.match((await browser.get('/')).text, /There was nothing to order/)
})

t.test('"my session" shows the data and never the id', async t => {
  const browser = new Client(app.address)
  t.match((await browser.get('/session')).text, /nothing is stored for you/)
  t.equal(browser.jar.size, 0, 'no cookie for a visitor of whom nothing is stored')
  await browser.post('/login', LOGIN)
  const page = (await browser.get('/session')).text
  t.match(page, /&quot;name&quot;: &quot;Ada&quot;/)
  t.notMatch(page, browser.jar.get('sid') ?? 'no cookie')
})

t.test('"my devices" says when the visitor logged in, and not when the cart began', async t => {
  const store = new SessionFileStore({ sessionDir: join(directory, 'sessions') })
  t.teardown(() => store.close())
  const sesid = await store.newId()
  const hoursAgo = Date.now() - 3 * 60 * 60 * 1000
  await store.importSession({ name: store.nameOf(sesid), text: '{"cart":{"clips":1}}', idleTimeout: undefined, createdAt: hoursAgo, lastAccess: Date.now() })
  const browser = new Client(app.address)
  browser.jar.set('sid', sesid)
  await browser.post('/login', { ...LOGIN, name: 'grace' })
  t.match((await browser.get('/cart')).text, /Paper clips/)
  t.match((await browser.get('/devices')).text, /Logged in just now, last used now/)
})

t.test('what visitors write is escaped', async t => {
  const page = await new Client(app.address).post('/login', { name: '"><script>alert(1)</script>', password: 'x' })
  t.equal(page.status, 401)
  const { text } = page
  t.match(text, 'value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"')
  t.notMatch(text, '<script')
  t.match(page.headers.get('content-security-policy'), /default-src 'self'/)
})

t.test('forms are taken from its own pages only', async t => {
  const browser = new Client(app.address)
  for (const headers of [
    { origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }
  ]) {
    const response = await browser.post('/login', LOGIN, headers as Record<string, string>)
    t.equal(response.status, 403, JSON.stringify(headers))
    t.match(response.text, /from another site/)
  }
  t.equal(browser.jar.size, 0)
  t.equal((await browser.post('/login', LOGIN, { origin: app.address })).status, 303)
})

t.test('errors have a page', async t => {
  const browser = new Client(app.address)
  const missing = await browser.get('/nowhere')
  t.equal(missing.status, 404)
  t.match(missing.text, /There is no such page/)
  const invalid = await browser.post('/cart/add', { product: 'yacht' })
  t.equal(invalid.status, 400, 'before the session is loaded')
  t.match(invalid.text, /That did not work/)
})

t.test('a port that is taken', async t => {
  await t.rejects(open(t, { PORT: new URL(app.address).port }), /The shop cannot open: .*EADDRINUSE/)
})

t.test('colours have contrast enough', async t => {
  const style = await readFile(join(root, 'examples/site/style.css'), 'utf8')
  for (const [scheme, block = ''] of [['light', style.split('@media')[0]], ['dark', style.split('@media')[1]]]) {
    const colour = (name: string): string => new RegExp(`--${name}: (#\\w+)`).exec(block)?.[1] ?? 'missing'
    for (const [text, ground] of [['ink', 'paper'], ['ink', 'card'], ['soft', 'paper'], ['soft', 'card'], ['accent', 'card'],
      ['accent', 'paper'], ['accent', 'tint'], ['ink', 'tint'], ['on-accent', 'accent'], ['bad', 'bad-tint']] as const) {
      t.ok(contrast(colour(text), colour(ground)) >= 4.5, `${scheme}: ${text} on ${ground}`)
    }
    t.ok(contrast(colour('field'), colour('paper')) >= 3, `${scheme}: borders of fields`)
  }
})

/** As the Web Content Accessibility Guidelines reckon it. */
function contrast (one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance (colour: string): number {
  const digits = colour.length === 4 ? colour.replace(/\w/g, '$&$&') : colour
  const [red = NaN, green = NaN, blue = NaN] = [1, 3, 5].map(at => {
    const part = parseInt(digits.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
