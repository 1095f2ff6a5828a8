import http from 'node:http'
import cookiePlugin from '@fastify/cookie'
import t from 'tap'
import { fileSessions } from '../../lib/plugin/plugin'
import { anyText } from '../support/any-text'
import fc from '../support/fast-check'
import { serve, serveApp, type Served } from '../support/serve'
import { filesIn, sessionDirectory } from '../support/session-files'
import { rounds } from '../support/tier'

interface Result { status: number, setCookie: string[], body: string }

/** A request with a cookie header that fetch might refuse to send. */
function ask (url: string, cookie: string | string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    http.get(url, { agent: false, headers: { cookie } }, response => {
      const parts: Buffer[] = []
      response.on('data', part => parts.push(part as Buffer))
      response.on('end', () => {
        resolve({ status: response.statusCode as number, setCookie: response.headers['set-cookie'] ?? [], body: Buffer.concat(parts).toString() })
      })
    }).on('error', reject)
  })
}

/** Whatever bytes a header may hold, of a length that Node lets in. */
const headerText = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).filter(code => code !== 0x7f).map(code => String.fromCharCode(code)), maxLength: 300 })
const value = fc.oneof(
  headerText,
  anyText({ maxLength: 100 }).map(text => encodeURIComponent(text)),
  fc.constantFrom('', '%', '%00', '%ff', '%E0%A4%A', '"', '""', '.', '..', '../../etc/passwd', '%2e%2e%2f%2e%2e%2fetc%2fpasswd', '__proto__', 'constructor', 'null', 'undefined',
    '/', '\\', 'a.b', '.x', '*', '~', '-', 'x'.repeat(1025), 'x'.repeat(8000), '%F0%9F%98%80', '%ED%A0%80'),
  fc.base64String({ maxLength: 100 }))
const header = fc.oneof(
  value.map(text => `sid=${text}`),
  fc.array(fc.tuple(fc.constantFrom('sid', 'SID', ' sid', 'sid ', '"sid"', '__proto__', ''), value), { maxLength: 5 })
    .map(pairs => pairs.map(([name, text]) => `${name}=${text}`).join(';')),
  headerText)

async function noneHarms (t: Parameters<typeof serve>[0], served: Served, sessionDir: string): Promise<void> {
  const client = served.visitor()
  await client.get('/login')
  const before = filesIn(sessionDir)
  await fc.assert(fc.asyncProperty(header, async cookie => {
    fc.pre(cookie.length < 12_000 && !cookie.includes(client.jar.get('sid') as string))
    const { status, setCookie, body } = await ask(`${served.url}/look`, cookie)
    if (status !== 200 || body !== '{}') throw new Error(`${status} ${body}`)
    if (setCookie.length > 0) throw new Error(setCookie.join())
    if (filesIn(sessionDir).join() !== before.join()) throw new Error('something was made on the disk')
  }), { numRuns: rounds(80, 300) })
  t.strictSame((await client.get('/look')).json, { user: 'ann' })
  t.strictSame(served.log.filter(({ level }) => level >= 50), [])
}

t.test('whatever the cookie header holds: no 500, and nothing on the disk', async t => {
  const sessionDir = sessionDirectory(t)
  await noneHarms(t, await serve(t, { sessionDir }, app => {
    app.get('/login', async request => { request.session.set('user', 'ann') })
    app.get('/look', async request => request.session.data())
  }), sessionDir)
})

t.test('the same with signed cookies', async t => {
  const sessionDir = sessionDirectory(t)
  await noneHarms(t, await serveApp(t, async app => {
    await app.register(cookiePlugin, { secret: 'a secret' })
    await app.register(fileSessions, { sessionDir, cookie: { signed: true } })
    app.get('/login', async request => { request.session.set('user', 'ann') })
    app.get('/look', async request => request.session.data())
  }), sessionDir)
})

t.test('a header that is too long never gets here', async t => {
  const sessionDir = sessionDirectory(t)
  const { url } = await serve(t, { sessionDir }, app => { app.get('/', async request => request.session.data()) })
  t.equal((await ask(url, `sid=${'x'.repeat(20_000)}`)).status, 431)
  t.strictSame(filesIn(sessionDir), [])
})

t.test('data of any shape come back as JSON has them', async t => {
  const { visitor } = await serve(t, { sessionDir: sessionDirectory(t) }, app => {
    app.post<{ Body: Record<string, unknown> }>('/put', async request => {
      for (const [key, value] of Object.entries(request.body)) request.session.set(key, value)
    })
    app.get('/entries', async request => Object.entries(request.session.data()))
  }, { onProtoPoisoning: 'ignore', onConstructorPoisoning: 'ignore' })
  const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'get', 'set', 'save', 'data', 'sessionId', 'isNew', 'delete', '0', ''))
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(key, fc.jsonValue()), { maxLength: 8 }), async pairs => {
    const entries = [...new Map(pairs)]
    const client = visitor()
    const body = `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`
    const response = await fetch(`${client.url}/put`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    if (response.status !== 200) throw new Error(await response.text())
    const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const stored = (await client.get('/entries', { cookie })).json as Array<[string, unknown]>
    const sorted = (list: Array<[string, unknown]>): string => JSON.stringify(list.sort(([a], [b]) => a < b ? -1 : 1))
    if (sorted(stored) !== sorted(entries)) throw new Error(`${sorted(stored)} for ${sorted(entries)}`)
  }), { numRuns: rounds(40, 100) })
})
