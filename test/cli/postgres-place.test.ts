import type { Socket } from 'node:net'
import t from 'tap'
import { openPostgres } from '../../lib/cli/postgres-place'
import { serverUrl, type ServerUrl } from '../../lib/cli/server-url'
import { Signal } from '../support/barrier'

const URL = serverUrl('postgres://anna:password@host/shop?table=kept&schema=web') as ServerUrl

/** Opens a place by a client like pg that answers what a test says. */
function begin (answer: (text: string) => object[] | Promise<object[]>, end: (sockets: Socket[]) => Promise<void> = async () => {}) {
  const sent: string[] = []
  let given: { stream?: () => Socket } = {}
  let ended = 0
  class Pool {
    constructor (options: object) {
      given = options
    }

    on (): void {}

    async query (text: string): Promise<{ rows: object[] }> {
      sent.push(text)
      return { rows: text === 'SELECT 1' && sent.length > 1 ? [] : await answer(text) }
    }

    async end (): Promise<void> {
      ended++
      await end(sockets)
    }
  }
  const sockets: Socket[] = []
  const open = () => openPostgres(URL, { maxSize: 1000 }, async () => ({ name: 'pg', exports: { Pool } }))
  return { sent, sockets, open, given: () => given, connect: () => sockets.push(given.stream?.() as Socket), timesEnded: () => ended }
}

t.test('the appids are those of the live rows, without the lists of indexes', async t => {
  const { sent, open, given, timesEnded } = begin(() => [{ appid: 'shop' }, { appid: 'shop index' }, { appid: '__Host-admin' }])
  const place = await open()
  t.equal(place.title, URL.title)
  t.notMatch(place.title, /password/)
  t.match(given(), { connectionString: URL.address, max: 2 })
  t.strictSame((await place.appids()).map(({ appid }) => appid), ['__Host-admin', 'shop'])
  t.strictSame(sent, ['SELECT 1', 'SELECT DISTINCT appid FROM "web"."kept" WHERE status = \'live\''])
  t.equal(place.store('shop', { idleTimeout: 60, absoluteTimeout: undefined }).sesAppid(), 'shop')
  await place.close()
  t.equal(timesEnded(), 1)
})

t.test('a server that cannot be reached is named, and the client is closed', async t => {
  const { open, timesEnded } = begin(() => { throw new Error('ECONNREFUSED') })
  await t.rejects(open(), { code: 'SESSION_STORE', message: `cannot connect to ${URL.title}: ECONNREFUSED` })
  t.equal(timesEnded(), 1)
})

t.test('a table that is missing is not made, and the server says so', async t => {
  const { sent, open } = begin(text => { if (text !== 'SELECT 1') throw new Error('relation "web.kept" does not exist'); return [] })
  const place = await open()
  await t.rejects(place.appids(), { code: 'SESSION_STORE', message: 'relation "web.kept" does not exist' })
  await t.rejects(async () => { for await (const finding of place.findings({ idleTimeout: 60, absoluteTimeout: undefined })) t.fail(finding.text) }, { message: /does not exist/ })
  t.notOk(sent.some(text => text.includes('CREATE')))
})

t.test('a server that does not answer does not hold the command up', async t => {
  const destroyed = new Signal()
  const { open, connect } = begin(() => [], async sockets => {
    for (const socket of sockets) socket.destroy = () => { destroyed.give(); return socket }
    await destroyed.given
  })
  const place = await open()
  connect()
  await place.close()
  t.pass('its sockets were closed')
})
