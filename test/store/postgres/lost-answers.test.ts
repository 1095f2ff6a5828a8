import { PGlite } from '@electric-sql/pglite'
import t from 'tap'
import { PostgresSessionStore } from '../../../lib/store/postgres/postgres-session-store'
import { connectionLost, ScriptedClient } from '../../support/scripted-client'

const server = new PGlite()
t.teardown(() => server.close())
t.before(() => server.waitReady)
const client = new ScriptedClient(server)
const store = new PostgresSessionStore({ pool: client })
/** Another process. */
const other = new PostgresSessionStore({ pool: server })

function lost (): never {
  throw connectionLost()
}

async function session (): Promise<{ name: string, version: string }> {
  const name = store.nameOf(await store.newId())
  const { version } = await other.create(name, { text: 'first' }) as { version: string }
  return { name, version }
}

t.test('a save whose answer is lost is recognised as done', async t => {
  const { name, version } = await session()
  client.after.push(lost)
  const replacement = await store.replace(name, { text: 'second' }, version)
  t.match(replacement, { result: 'replaced' })
  t.match(await other.read(name), { text: 'second', version: (replacement as { version: string }).version })
})

t.test('a save that did not reach the server is stored once', async t => {
  const { name, version } = await session()
  client.before.push(lost, lost)
  t.match(await store.replace(name, { text: 'second' }, version), { result: 'replaced' })
  t.match(await other.read(name), { text: 'second' })
})

t.test('a save whose answer is lost is recognised after others saved', async t => {
  for (const others of [1, 5, 16]) {
    const { name, version } = await session()
    client.after.push(async () => {
      await saves(name, others)
      lost()
    })
    const replacement = await store.replace(name, { text: 'second' }, version)
    t.match(replacement, { result: 'replaced' }, `${others} others`)
    t.match(await other.read(name), { text: String(others - 1) })
    t.same(await store.replace(name, { text: 'third' }, (replacement as { version: string }).version), { result: 'conflict' })
  }
})

t.test('a save that others overtook before it reached the server is told conflict', async t => {
  for (const others of [1, 16]) {
    const { name, version } = await session()
    client.before.push(async () => {
      await saves(name, others)
      lost()
    })
    t.same(await store.replace(name, { text: 'second' }, version), { result: 'conflict' }, `${others} others`)
    t.match(await other.read(name), { text: String(others - 1) })
  }
})

t.test('a save is not told conflict when the session does not remember so far back', async t => {
  for (const steps of [client.before, client.after]) {
    const { name, version } = await session()
    steps.push(async () => {
      await saves(name, 17)
      lost()
    })
    await t.rejects(store.replace(name, { text: 'second' }, version), { code: 'SESSION_STORE', message: /not known whether/ })
    t.match(await other.read(name), { text: '16' })
  }
})

t.test('a save whose answer is lost was stored, also when the session has ended since', async t => {
  const { name, version } = await session()
  client.after.push(async () => {
    t.equal(await other.remove(name), 'removed')
    lost()
  })
  t.match(await store.replace(name, { text: 'second' }, version), { result: 'replaced' })
  t.equal(await other.read(name), null)
})

t.test('of two removers one is told removed, also when the answer is lost', async t => {
  for (const withVersion of [true, false]) {
    const { name, version } = await session()
    client.after.push(async () => {
      t.equal(await other.remove(name, version), 'gone')
      lost()
    })
    t.equal(await store.remove(name, withVersion ? version : undefined), 'removed')
    t.equal(await store.remove(name, version), 'gone')
  }
})

t.test('a remover that another overtook is told gone', async t => {
  for (const withVersion of [true, false]) {
    const { name, version } = await session()
    client.before.push(async () => {
      t.equal(await other.remove(name, version), 'removed')
      lost()
    })
    t.equal(await store.remove(name, withVersion ? version : undefined), 'gone')
  }
})

t.test('a repeated remove leaves the next session of that name alone', async t => {
  for (const withVersion of [true, false]) {
    const { name, version } = await session()
    client.after.push(async () => {
      t.match(await other.create(name, { text: 'next' }), { result: 'created' })
      lost()
    })
    t.equal(await store.remove(name, withVersion ? version : undefined), 'removed')
    t.match(await other.read(name), { text: 'next' })
  }
})

t.test('a remover is not told conflict when the session does not remember so far back', async t => {
  const { name, version } = await session()
  client.before.push(async () => {
    await saves(name, 17)
    lost()
  })
  await t.rejects(store.remove(name, version), { code: 'SESSION_STORE', message: /not known whether/ })
  t.match(await other.read(name), { text: '16' })
})

t.test('a creation whose answer is lost is recognised, whatever others have done since', async t => {
  const since: Array<[string | undefined, (name: string) => Promise<unknown>]> = [
    ['first', async () => {}], ['0', name => saves(name, 1)], [undefined, name => other.remove(name)]
  ]
  for (const [text, others] of since) {
    const name = store.nameOf(await store.newId())
    client.after.push(async () => {
      await others(name)
      lost()
    })
    t.match(await store.create(name, { text: 'first' }), { result: 'created' })
    t.equal((await other.read(name))?.text, text)
  }
})

t.test('a creation that another overtook is told taken', async t => {
  const name = store.nameOf(await store.newId())
  client.before.push(async () => {
    await other.create(name, { text: 'other' })
    lost()
  })
  t.same(await store.create(name, { text: 'first' }), { result: 'taken' })
  t.match(await other.read(name), { text: 'other' })
})

t.test('a creation is not told taken when the session does not remember so far back', async t => {
  const name = store.nameOf(await store.newId())
  client.before.push(async () => {
    await other.create(name, { text: 'other' })
    await saves(name, 16)
    lost()
  })
  await t.rejects(store.create(name, { text: 'first' }), { code: 'SESSION_STORE', message: /not known whether/ })
})

t.test('what is set aside once more was set aside', async t => {
  const { name } = await session()
  client.after.push(lost)
  await store.setAside(name)
  t.equal(await other.read(name), null)
  const { rows } = await server.query<{ text: string }>('SELECT text FROM sessions WHERE name LIKE $1 || \'.%\'', [name])
  t.same(rows, [{ text: 'first' }])
})

t.test('a statement that reaches the server too late does nothing', async t => {
  const { name, version } = await session()
  const free = store.nameOf(await store.newId())
  const calls: Array<() => Promise<unknown>> = [
    () => store.create(free, { text: 'late' }), () => store.replace(name, { text: 'late' }, version), () => store.remove(name), () => store.setAside(name)
  ]
  for (const call of calls) {
    // As if it had lain in a queue on the way: the server gets it after the caller was told.
    let late: { text: string, values: unknown[] } | undefined
    client.before.push(({ text, values }) => {
      late = { text, values: [...values.slice(0, -1), Date.now() - 1] }
      throw Object.assign(new Error(), { code: '42501' })
    })
    await t.rejects(call(), { code: 'SESSION_STORE' })
    await server.query(late?.text as string, late?.values)
    t.equal(await other.read(free), null)
    t.match(await other.read(name), { text: 'first', version })
  }
})

t.test('when the clock of the server has jumped ahead, a call asks twice', async t => {
  const { name, version } = await session()
  const skewed = new ScriptedClient(server)
  const store = new PostgresSessionStore({ pool: skewed })
  await store.open()
  const early: typeof skewed.before[number] = ({ values }) => { values.push((values.pop() as number) - 3_600_000) }
  const calls: Array<[number, () => Promise<unknown>]> = [
    [1, () => store.replace(name, { text: 'second' }, version)],
    [1, () => store.create(store.nameOf(''), { text: '' })],
    [1, () => store.remove(name)],
    [1, () => store.setAside(store.nameOf(''))],
    // A page, and one more to see that there is not another.
    [2, () => store.clear()]
  ]
  for (const [statements, call] of calls) {
    const { length } = skewed.sent
    skewed.before.push(early)
    await call()
    t.equal(skewed.sent.length, length + statements + 1)
  }
  t.same((await server.query("SELECT FROM sessions WHERE status = 'live'")).rows, [])
})

/** Others save the session so many times. */
async function saves (name: string, count: number): Promise<void> {
  for (let save = 0; save < count; save++) {
    const session = await other.read(name)
    await other.replace(name, { text: String(save) }, session?.version as string)
  }
}
