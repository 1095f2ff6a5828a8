import t from 'tap'
import type { PostgresClient, PostgresValue } from '../../../lib/store/postgres/options'
import { PostgresSessionStore } from '../../../lib/store/postgres/postgres-session-store'
import { COLUMNS } from '../../../lib/store/postgres/schema'

const [BASE, OTHER] = ['abcdefghijklmnop', 'ABCDEFGHIJKLMNOP']
const SERVER = { about: '1000', version_number: 150000, is_standby: 'false', read_only: 'off', encoding: 'UTF8', fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', missing_grant: null }
const TABLE = Object.entries(COLUMNS).map(([column, type]) => ({ about: '1000', kind: 'r', persistence: 'p', column, type, needs_value: 0, has_key: 1, missing_rights: '', slow_index: null }))

/** A server whose answers to the verbs are what a test says, in turn: what `about` says, or a function of the parameters. */
class Answering implements PostgresClient {
  readonly sent: Array<{ text: string, values: PostgresValue[] }> = []
  readonly answers: string[] = []

  async query (text: string, values: PostgresValue[]): Promise<{ rows: object[] }> {
    if (text.includes('server_version_num')) return { rows: [SERVER] }
    if (text.includes('relpersistence')) return { rows: TABLE }
    this.sent.push({ text, values })
    return { rows: [{ about: this.answers.shift() ?? '1000 done', text: 'text' }] }
  }
}

function storeOf (): { client: Answering, store: PostgresSessionStore, name: string } {
  const client = new Answering()
  const store = new PostgresSessionStore({ pool: client })
  return { client, store, name: store.nameOf('id') }
}

t.test('a name that nameOf does not return is refused', async t => {
  const { store } = storeOf()
  for (const call of [() => store.read('x'), () => store.create('X'.repeat(64), { text: '' }), () => store.touch('\0'), () => store.setAside('')]) {
    await t.rejects(async () => { await call() }, { code: 'SESSION_ID' })
  }
})

t.test('a session is created unless another one lives under the name', async t => {
  const { client, store, name } = storeOf()
  const creation = await store.create(name, { text: 'a\0', idleTimeout: 60 })
  const [, text, id, idleTimeout, createdAt, lastAccess] = client.sent[0]?.values ?? []
  t.strictSame(creation, { result: 'created', version: id })
  t.notOk(String(text).includes('\0'))
  t.strictSame([idleTimeout, createdAt, lastAccess], [60, null, null], 'now, by the clock of the server')
  client.answers.push(`1000 live 1 ${OTHER}`)
  t.strictSame(await store.create(name, { text: '' }), { result: 'taken' })
  t.equal(client.sent[1]?.values[3], null, 'the timeout of the store')
  client.answers.push(`1000 ended 0 ${OTHER}`, '1000 done')
  t.match(await store.create(name, { text: '' }), { result: 'created' }, 'the row has changed meanwhile: it asks again')
  t.equal(client.sent.length, 4)
})

t.test('a record is replaced at its version only', async t => {
  const { client, store, name } = storeOf()
  const replacement = await store.replace(name, { text: 'next', createdAt: 1000.5 }, BASE)
  const { text, values } = client.sent[0] as { text: string, values: PostgresValue[] }
  t.strictSame(replacement, { result: 'replaced', version: values[2] })
  t.strictSame([values[0], values[3], values[5]], [name, BASE, 1000])
  client.answers.push(`1000 live 1 ${OTHER}`, `1000 expired 0 ${BASE}`, '1000 none 0', `1000 expired 1 ${OTHER}`)
  const answers = []
  for (let count = 0; count < 4; count++) answers.push((await store.replace(name, { text: '' }, BASE)).result)
  t.strictSame(answers, ['conflict', 'gone', 'gone', 'conflict'])
  client.answers.push(`1000 live 1 ${BASE}`, '1000 done')
  t.match(await store.replace(name, { text: '' }, BASE), { result: 'replaced' }, 'the row has changed meanwhile: it asks again')
  await store.replace(name, { text: '', keepLastUse: true }, 'no version of ours')
  t.not(client.sent.at(-1)?.text, text)
  t.equal(client.sent.at(-1)?.values[3], '')
})

t.test('a session is removed at a version, or whatever it is at', async t => {
  const { client, store, name } = storeOf()
  t.equal(await store.remove(name, BASE), 'removed')
  t.equal(client.sent[0]?.values[2], BASE)
  client.answers.push(`1000 live 1 ${OTHER}`, `1000 ended 0 ${OTHER}`, '1000 none 0')
  t.strictSame([await store.remove(name, BASE), await store.remove(name, BASE), await store.remove(name)], ['conflict', 'gone', 'gone'])
  client.answers.push(`1000 live 1 ${OTHER}`, '1000 done')
  t.equal(await store.remove(name), 'removed', 'the row has changed meanwhile: it asks again')
  t.equal(client.sent.at(-1)?.values[2], null)
})

t.test('a session is set aside once, at a version or whatever it is at', async t => {
  const { client, store, name } = storeOf()
  client.answers.push(`1000 live 1 ${OTHER}`)
  await store.setAside(name, BASE)
  t.equal(client.sent.length, 1, 'it is at another version')
  client.answers.push(`1000 live 1 ${BASE}`, '1000 none 0')
  await store.setAside(name, BASE)
  t.equal(client.sent.length, 3)
  client.answers.push(`1000 expired 0 ${OTHER}`, '1000 done')
  await store.setAside(name)
  t.equal(client.sent.length, 5)
})

t.test('the table is looked at once, by the first call', async t => {
  const { client, store, name } = storeOf()
  let looks = 0
  const { query } = client
  client.query = async (text, values) => {
    if (text.includes('server_version_num')) looks++
    return await query.call(client, text, values)
  }
  await Promise.all([store.touch(name), store.touch(name)])
  await store.touch(name)
  t.strictSame([looks, store.warnings], [1, []])
  client.answers.push(`1000 ${BASE} 1000 1000`)
  t.match(await store.read(name), { text: 'text', version: BASE, createdAt: 1000 })
})
