import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { connectStore, SessionFileStore, type FileSessionsOptions } from '../../index'
import type { FoundSession } from '../../lib/store/session-finder'
import { Browser, indexedApp } from '../support/indexed-app'
import { sessionDirectory } from '../support/session-files'

async function startedApp (t: Test, options: FileSessionsOptions = {}): Promise<FastifyInstance> {
  const app = indexedApp({ ...options, sessionDir: options.sessionDir ?? sessionDirectory(t) })
  t.teardown(() => app.close())
  await app.ready()
  return app
}

async function found (app: FastifyInstance, value: string | number, index = 'user'): Promise<FoundSession[]> {
  const all: FoundSession[] = []
  for await (const session of app.sessionStore.sessionsOf(index, value)) all.push(session)
  return all
}

async function handles (app: FastifyInstance, value: string | number, index = 'user'): Promise<string[]> {
  return (await found(app, value, index)).map(({ handle }) => handle).sort()
}

t.test('the sessions of a user are found, whatever changed their data', async t => {
  const app = await startedApp(t)
  const [one, two, other] = [new Browser(app, 'phone'), new Browser(app, 'laptop'), new Browser(app)]
  const logins = [await one.login(42), await two.login('42')].sort()
  const third = await other.login(7)
  t.strictSame(await handles(app, 42), logins)
  t.strictSame(await handles(app, '42'), logins)
  t.strictSame(await handles(app, 7), [third])
  t.strictSame(await handles(app, 8), [])
  const all = await found(app, 42)
  t.strictSame(all.map(({ about }) => about?.agent).sort(), ['laptop', 'phone'])
  for (const { createdAt = 0, lastUsed = 0, expiresAt = 0 } of all) {
    t.ok(createdAt <= lastUsed && lastUsed <= Date.now() && expiresAt > Date.now() + 7000_000)
  }
  const moved = (await one.get('/regenerate?keep=user')).handle
  t.strictSame(await handles(app, 42), [moved, await handleOf(two)].sort())
  await two.get('/update/user/7')
  t.strictSame(await handles(app, 42), [moved])
  t.strictSame(await handles(app, 7), [third, await handleOf(two)].sort())
  await one.get('/set/sid/s-1')
  t.strictSame(await handles(app, 's-1', 'sid'), [moved])
  await one.get('/set/user/none')
  t.strictSame(await handles(app, 42), [])
  t.strictSame(await handles(app, 's-1', 'sid'), [moved])
  await one.get('/destroy')
  t.strictSame(await handles(app, 's-1', 'sid'), [])
  await other.get('/regenerate')
  t.strictSame(await handles(app, 7), [await handleOf(two)])
})

async function handleOf (browser: Browser): Promise<string> {
  return (await browser.get('/set/note/1')).handle
}

t.test('an index that the app does not have is an error, and not an empty answer', async t => {
  const sessionDir = sessionDirectory(t)
  const app = await startedApp(t, { sessionDir })
  const browser = new Browser(app)
  await browser.login(42)
  const mistake = { name: 'SessionError', code: 'SESSION_INDEX', message: 'there is no index users: the option indexes has user, sid' }
  await t.rejects(found(app, 42, 'users'), mistake)
  await t.rejects(app.sessionStore.revokeAll('users', 42), mistake)
  t.equal(await browser.user(), '42')
  connectStore(app.sessionStore, { indexes: { users: () => undefined } })
  t.strictSame(await found(app, 42, 'users'), [], 'what shares the store may have further ones')
  t.equal(await new SessionFileStore({ sessionDir }).revokeAll('users', 42), 0, 'a store without an app knows of none')
})

t.test('revokeAll with an id in place of the handle ends no session, and says so', async t => {
  const app = await startedApp(t)
  const browser = new Browser(app)
  const handle = await browser.login(42)
  const sesid = String(browser.cookie).slice('sid='.length)
  for (const except of [sesid, { handle: sesid }, '']) {
    const error = await app.sessionStore.revokeAll('user', 42, { except }).catch((error: unknown) => error)
    t.match(error, { code: 'SESSION_ARGUMENT', message: /^revokeAll: except takes a session, or the handle of one/ })
    t.notOk(String(error).includes(sesid))
  }
  t.strictSame(await handles(app, 42), [handle])
})

t.test('all sessions of a user end, but for the one that asks', async t => {
  const app = await startedApp(t)
  const browsers = Array.from({ length: 4 }, () => new Browser(app))
  const mine = (await Promise.all(browsers.map(browser => browser.login(42))))[0] as string
  const other = new Browser(app)
  await other.login(7)
  t.equal(await app.sessionStore.revokeAll('user', 42, { except: mine }), 3)
  t.strictSame(await Promise.all(browsers.map(browser => browser.user())), ['42', undefined, undefined, undefined])
  t.equal(await app.sessionStore.revokeAll('user', 42, { except: { handle: mine } }), 0)
  t.equal(await app.sessionStore.revokeAll('user', 42), 1)
  t.equal(await app.sessionStore.revokeAll('user', 42), 0)
  t.equal(await browsers[0]?.user(), undefined)
  t.equal(await other.user(), '7')
  const again = await browsers[0]?.login(42)
  t.strictSame(await handles(app, 42), [again])
})

t.test('one session ends by its handle', async t => {
  const app = await startedApp(t)
  const [one, two] = [new Browser(app), new Browser(app)]
  const handle = await one.login(42)
  await two.login(42)
  t.equal(await app.sessionStore.revoke(handle), true)
  t.equal(await app.sessionStore.revoke(handle), false)
  t.equal(await app.sessionStore.revoke('no handle'), false)
  t.equal(await one.user(), undefined)
  t.equal(await two.user(), '42')
  t.equal((await handles(app, 42)).length, 1)
})

t.test('of too many logins the oldest ends', async t => {
  const app = await startedApp(t, { maxPerValue: { user: 2 } })
  const browsers = Array.from({ length: 5 }, () => new Browser(app))
  for (const browser of browsers) await browser.login(42)
  t.strictSame(await Promise.all(browsers.map(browser => browser.user())), [undefined, undefined, undefined, '42', '42'])
  await browsers[3]?.get('/regenerate?keep=user')
  t.strictSame(await Promise.all(browsers.slice(3).map(browser => browser.user())), ['42', '42'], 'a new id is not a new login')
  await browsers[4]?.get('/destroy')
  await browsers[0]?.login(42)
  t.strictSame(await Promise.all(browsers.map(browser => browser.user())), ['42', undefined, undefined, '42', undefined])
})

t.test('or it is refused', async t => {
  const app = await startedApp(t, { maxPerValue: { user: 1 }, onLimit: 'refuse' })
  const [one, two] = [new Browser(app), new Browser(app)]
  await one.login(42)
  const { status, body } = await two.get('/set/user/42')
  t.strictSame([status, body.code], [409, 'SESSION_LIMIT'])
  t.equal(await two.user(), undefined)
  await one.get('/destroy')
  await two.login(42)
  t.equal(await two.user(), '42')
})

t.test('logins at the same time keep the limit', async t => {
  const sessionDir = sessionDirectory(t)
  const apps = await Promise.all([1, 2].map(() => startedApp(t, { sessionDir, maxPerValue: { user: 2 } })))
  const browsers = Array.from({ length: 10 }, (_, at) => new Browser(apps[at % 2] as FastifyInstance))
  await Promise.all(browsers.map(browser => browser.login(42)))
  const alive = (await Promise.all(browsers.map(browser => browser.user()))).filter(user => user === '42')
  t.ok(alive.length >= 1 && alive.length <= 2, `${alive.length} are alive`)
  t.equal((await handles(apps[0] as FastifyInstance, 42)).length, alive.length)
})

t.test('with encryption secrets nothing of an index can be read, and it lasts when the secret changes', async t => {
  const sessionDir = sessionDirectory(t)
  const [OLD, NEW] = ['an old secret of the tests, long enough', 'a new secret of the tests, long enough']
  const before = await startedApp(t, { sessionDir, encryption: { secrets: [OLD] } })
  const one = new Browser(before, 'a phone')
  const handle = await one.login('alice')
  const after = await startedApp(t, { sessionDir, encryption: { secrets: [NEW, OLD] } })
  t.match(await found(after, 'alice'), [{ handle, about: { agent: 'a phone' } }])
  const moving = Object.assign(new Browser(after, 'a phone'), { cookie: one.cookie })
  await moving.get('/set/note/1')
  t.match(await found(after, 'alice'), [{ handle, about: { agent: 'a phone' } }])
  const alone = await startedApp(t, { sessionDir, encryption: { secrets: [NEW] } })
  t.strictSame(await handles(alone, 'alice'), [handle], 'the session has moved to the list of the newest secret')
  t.equal(await after.sessionStore.revokeAll('user', 'alice'), 1)
  t.equal(await moving.user(), undefined)
})

t.test('a function of an index that throws fails the save, and the error does not quote the data', async t => {
  for (const [thrown, name] of [[new TypeError('secret'), 'TypeError'], ['secret', 'string']] as const) {
    const app = await startedApp(t, { indexes: { user: () => { throw thrown } }, about: undefined })
    const { status, body } = await new Browser(app).get('/set/user/42')
    t.equal(status, 500)
    t.match(body, { code: 'SESSION_INDEX', message: `the function of the index user threw (${name}): it must take any data, such as data => data.user?.id` })
  }
})

t.test('an id that is renewed is no login: no limit ends another session, and all end as before', async t => {
  const app = await startedApp(t, { maxPerValue: { user: 2 }, renewAfter: 2, renewGrace: 1 })
  const [one, two] = [new Browser(app, 'phone'), new Browser(app, 'laptop')]
  const first = await one.login(42)
  await two.login(42)
  const old = Object.assign(new Browser(app, 'phone'), { cookie: one.cookie })
  const { cookie } = one
  while (one.cookie === cookie) t.equal(await one.user(), '42')
  t.equal(await two.user(), '42', 'still there')
  t.equal((await handles(app, 42)).length, 2)
  t.notOk((await handles(app, 42)).includes(first))
  t.strictSame((await found(app, 42)).map(({ about }) => about?.agent).sort(), ['laptop', 'phone'])
  t.equal(await app.sessionStore.revokeAll('user', 42), 2)
  for (const browser of [one, two, old]) t.equal(await browser.user(), undefined)
  t.strictSame(await handles(app, 42), [])
})

t.test('a function of an index sees what is stored of a large session, and cannot change it', async t => {
  const seen: unknown[] = []
  const app = indexedApp({
    sessionDir: sessionDirectory(t),
    about: undefined,
    indexes: {
      user: data => {
        const { user, words } = data as { user?: string, words?: string[] }
        seen.push(words?.length)
        words?.push('changed')
        return user
      }
    }
  })
  t.teardown(() => app.close())
  app.get('/large/:user', async ({ session, params }) => {
    session.set('words', session.get('words') ?? Array.from({ length: 1000 }, () => 'word'))
    session.set('user', (params as { user: string }).user)
    await session.save()
    return { words: (session.get('words') as string[]).length }
  })
  const browser = new Browser(app)
  for (const user of ['42', '7']) t.strictSame((await browser.get(`/large/${user}`)).body, { words: 1000 })
  t.strictSame([...new Set(seen)], [1000])
  t.equal(((await browser.get('/data')).body['words'] as string[]).length, 1000)
  t.equal((await handles(app, 7)).length, 1)
})
