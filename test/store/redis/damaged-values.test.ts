import t from 'tap'
import fileSessions, { MovingSessionStore } from '../../../index'
import { RedisSessionStore } from '../../../redis'
import { SINGLE, type Connect } from '../../support/redis-clients'
import { RedisServer, redisIsMissing } from '../../support/redis-server'
import { RedisSessions } from '../../support/redis-sessions'
import { loggingApp } from '../../support/serve'
import { rounds } from '../../support/tier'

const connect6 = SINGLE['redis 6'] as Connect
const HEAD = 69
/** What a session's head has where a character stands that may not be there, and what a client may take for a refusal. */
const WRONG = ['x', '-', '\0']

/** Returns the values that a whole one becomes: cut at each length, and with each character of its head wrong. */
function damagedOf (value: string): Array<readonly [what: string, value: string]> {
  const cut = Array.from({ length: HEAD }, (_, length) => [`cut at ${length}`, value.slice(0, length)] as const)
  const changed = Array.from({ length: HEAD }, (_, place) => WRONG
    // In ids there may be letters and hyphens.
    .filter(wrong => place < 51 || place > 66 || !/[\w-]/.test(wrong))
    .map(wrong => [`${JSON.stringify(wrong)} at ${place}`, value.slice(0, place) + wrong + value.slice(place + 1)] as const)).flat()
  const counted = ['01', '63', '65', '99'].map(count => [`${count} earlier ids`, value.slice(0, HEAD - 2) + count + value.slice(HEAD)] as const)
  return [...cut, ...changed, ...counted]
}

for (const encryption of [false, true]) {
  t.test(`a value that was cut or changed in its head, ${encryption ? 'encrypted' : 'plain'}`, { skip: redisIsMissing }, async t => {
    const server = await RedisServer.start(t)
    const look = await RedisSessions.connect(t, server)
    const redis = (...command: string[]): Promise<unknown> => look.client.sendCommand(command)
    const store = new RedisSessionStore({ client: await connect6(t, server.port), encryption: encryption ? { secrets: ['a secret of 32 or more characters'] } : false })
    const { app, log } = loggingApp()
    t.teardown(() => app.close())
    await app.register(fileSessions, { store })
    app.get('/view', async ({ session }) => String(session.get('word' as never)))
    app.get('/untouched', async () => 'ok')
    app.post('/save', async ({ session }) => { session.set('word' as never, 'new' as never) })
    app.post('/logout', async ({ session }) => { await session.destroy() })
    await app.ready()
    const sesid = await store.newId()
    const name = store.nameOf(sesid)
    const key = `file-sessions:sid:{${name}}`
    await store.create(name, store.cipher.sealRecord(sesid, { text: '{"word":"secret"}' }))
    const whole = String(await redis('GET', key))
    const request = async (method: 'GET' | 'POST', url: string) => await app.inject({ method, url, cookies: { sid: sesid } })
    const put = async (value: string): Promise<void> => {
      await redis('FLUSHDB')
      await redis('SET', key, value, 'PX', '3600000')
    }
    const aside = async (): Promise<unknown[]> => await Promise.all((await look.keys('*:aside:*')).map(key => redis('GET', key)))

    await put(whole)
    t.match(await request('GET', '/view'), { statusCode: 200, body: 'secret' })
    // `npm test` tries each fifth of one kind, and others of the other.
    const tried = damagedOf(whole).filter((_, number) => number % rounds(5, 1) === (encryption ? rounds(2, 0) : 0))
    for (const [what, value] of tried) {
      await put(value)
      t.match([await store.getSession(sesid), await aside()], [null, value === '' ? [] : [value]], `${what}: set aside by getSession`)
      await put(value)
      t.match(await request('GET', '/untouched'), { statusCode: 200, body: 'ok' }, `${what}: a request that does not look`)
      t.match(await request('GET', '/view'), { statusCode: 200, body: 'undefined', cookies: [] }, `${what}: not served`)
      t.strictSame(await aside(), value === '' ? [] : [value], `${what}: set aside`)
      t.equal(await store.read(name), null, `${what}: gone`)
      await put(value)
      const saved = await request('POST', '/save')
      t.match(saved, { statusCode: 200, cookies: [{ name: 'sid' }] }, `${what}: a save begins a new session`)
      const [cookie] = saved.cookies as unknown as [{ value: string }]
      t.not(cookie.value, sesid)
      t.match(await app.inject({ url: '/view', cookies: { sid: cookie.value } }), { body: 'new' })
      await put(value)
      t.match(await request('POST', '/logout'), { statusCode: 200 }, `${what}: logout`)
      t.equal(await store.read(name), null)
      await put(value)
      await store.putSession(sesid, '{}')
      t.strictSame(await store.replace(name, { text: '{}' }, whole.slice(51, 67)), { result: 'gone' })
      await store.touch(name)
      if (value !== '') t.equal(await store.remove(name, whole.slice(51, 67)), 'conflict')
      await store.setAside(name, whole.slice(51, 67))
      await store.delSession(sesid)
      t.strictSame(await aside(), [], 'at its version nothing is set aside')
      t.equal(await store.read(name), null)
      await put(value)
      const other = await store.newSession()
      const infos = []
      for await (const info of store.sessions()) infos.push(info)
      t.equal(infos.length, 1, `${what}: left out of the list`)
      if (!encryption) for await (const text of store.texts()) t.equal(text, '', `${what}: its text, too`)
      t.equal(await store.clear(), value === '' ? 1 : 2, `${what}: cleared`)
      t.strictSame([await store.read(name), await store.getSession(other)], [null, null])
      await put(value)
      t.match(await store.create(name, { text: 'again' }), { result: 'created' })
      t.match(await store.read(name), { text: 'again' })
    }
    const told = log.filter(({ level }) => level > 30)
    t.equal(told.length, 1, 'said once')
    t.match(told, [{ level: 40, msg: /a stored session is not served: it is set aside, and a new session begins/, err: { code: 'SESSION_UNOPENED', message: /cut off/ } }])
    t.notOk([sesid, 'secret"'].some(secret => JSON.stringify(told).includes(secret)))
  })
}

t.test('what is damaged of a session that has ended is not a session', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const look = await RedisSessions.connect(t, server)
  const store = new RedisSessionStore({ client: await connect6(t, server.port) })
  const name = store.nameOf(await store.newSession())
  await store.remove(name)
  const [key] = await look.keys() as [string]
  const whole = String(await look.client.sendCommand(['GET', key]))
  for (let length = 2; length < whole.length; length++) {
    await look.client.sendCommand(['SET', key, whole.slice(0, length)])
    t.equal(await store.read(name), null)
    await store.setAside(name)
    t.strictSame([await store.remove(name), await store.replace(name, { text: '' }, whole.slice(51, 67))], ['gone', { result: 'gone' }], `${length}`)
  }
})

t.test('a damaged value in the memory of the process', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const look = await RedisSessions.connect(t, server)
  const store = new RedisSessionStore({ client: await connect6(t, server.port), cache: {} })
  await store.open()
  t.teardown(() => store.close())
  const sesid = await store.newSession()
  const [key] = await look.keys() as [string]
  await look.client.sendCommand(['SETRANGE', key, '5', 'x'])
  t.strictSame([await store.getSession(sesid), await store.getSession(sesid)], [null, null])
  t.equal((await look.keys('*:aside:*')).length, 1)
})

t.test('a damaged list of an index, and a session, are found by a reindexing', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const look = await RedisSessions.connect(t, server)
  const store = new RedisSessionStore({ client: await connect6(t, server.port) })
  const { app } = loggingApp()
  t.teardown(() => app.close())
  await app.register(fileSessions, { store, indexes: { user: ({ user }) => user as string } })
  app.post('/login', async ({ session }) => { session.set('user' as never, 'anna' as never) })
  await app.ready()
  for (let count = 0; count < 2; count++) await app.inject({ method: 'POST', url: '/login' })
  const [list] = await look.keys('file-sessions:index:*') as [string]
  await look.client.sendCommand(['SETRANGE', list, '5', 'x'])
  await t.rejects(store.revokeAll('user', 'anna'), { code: 'SESSION_INDEX' }, 'no session is missed in silence')
  t.match(await app.reindexSessions(), { right: 2, failed: 0 })
  t.equal(await store.revokeAll('user', 'anna'), 2)
  await app.inject({ method: 'POST', url: '/login' })
  for (const key of await look.keys('file-sessions:sid:*')) await look.client.sendCommand(['SETRANGE', key, '5', 'x'])
  t.match(await app.reindexSessions(), { failed: 1, error: { code: 'SESSION_UNOPENED' } })
})

t.test('a damaged session does not move to another store', { skip: redisIsMissing }, async t => {
  const server = await RedisServer.start(t)
  const look = await RedisSessions.connect(t, server)
  const client = await connect6(t, server.port)
  const [from, to] = [new RedisSessionStore({ client }), new RedisSessionStore({ client, prefix: 'new:' })]
  const store = new MovingSessionStore({ from, to })
  const sesid = await from.newSession()
  const [key] = await look.keys() as [string]
  await look.client.sendCommand(['SETRANGE', key, '5', 'x'])
  t.equal(await store.getSession(sesid), null)
  t.strictSame([(await look.keys('file-sessions:*:aside:*')).length, await look.keys('new:*')], [1, []], 'it is set aside where it was')
  t.equal(await store.getSession(sesid), null)
})
