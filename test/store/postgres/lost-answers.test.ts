import pg from 'pg'
import t, { type Test } from 'tap'
import { moveSession } from '../../../lib/session/move'
import { SessionRecords } from '../../../lib/session/session-records'
import { PostgresSessionStore } from '../../../lib/store/postgres/postgres-session-store'
import { emptyPGlite } from '../../support/pglite'
import { NO_POSTGRES, PostgresServer } from '../../support/postgres-server'
import { connectionLost, ScriptedClient, serverError } from '../../support/scripted-client'
import { TcpProxy } from '../../support/tcp-proxy'

const server = emptyPGlite()
t.teardown(() => server.close())
t.before(() => server.waitReady)
const client = new ScriptedClient(server)
const store = new PostgresSessionStore({ pool: client })
/** Another process. */
const other = new PostgresSessionStore({ pool: server })

function lost (): never {
  throw connectionLost()
}

const UNKNOWN = { code: 'SESSION_STORE', message: /it is not known whether the server has done it$/ }

/** What no call asks again after. */
function refuse (): never {
  throw serverError('28P01')
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

t.test('what happens between a change that came too late and the question what is there is told', async t => {
  const between: Array<[what: string, happens: (name: string) => Promise<unknown>, told: object]> = [
    ['the session ends', name => other.remove(name), { result: 'gone' }],
    ['another saves', name => saves(name, 1), { result: 'conflict' }],
    ['it is replaced by another one', name => other.remove(name).then(() => other.create(name, { text: 'next' })), { result: 'conflict' }]
  ]
  for (const [what, happens, told] of between) {
    const { name, version } = await session()
    await saves(name, 1)
    client.after.push(() => happens(name))
    t.same(await store.replace(name, { text: 'second' }, version), told, what)
    t.not((await other.read(name))?.text, 'second')
  }
  const { name } = await session()
  client.after.push(() => other.remove(name))
  t.match(await store.create(name, { text: 'second' }), { result: 'created' }, 'a name that was taken, and is free')
  t.match(await other.read(name), { text: 'second' })
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

t.test('a call that ended with its outcome unknown is recognised when the caller asks again', async t => {
  const free = store.nameOf(await store.newId())
  const { name, version } = await session()
  const bare = await session()
  const creation = await unsettled(t, () => store.create(free, { text: 'first' }))
  t.match(creation, { result: 'created' })
  t.match(await other.read(free), { text: 'first', version: (creation as { version: string }).version })
  const replacement = await unsettled(t, () => store.replace(name, { text: 'second' }, version)) as { version: string }
  t.match(replacement, { result: 'replaced' })
  t.match(await other.read(name), { text: 'second', version: replacement.version })
  const imported = store.nameOf(await store.newId())
  const now = Date.now()
  t.match(await unsettled(t, () => store.importSession({ name: imported, text: '', idleTimeout: undefined, createdAt: now, lastAccess: now })), { result: 'created' })

  t.equal(await unsettled(t, () => store.remove(name, replacement.version)), 'removed')
  t.equal(await store.remove(name, replacement.version), 'gone', 'what was recognised is settled')
  t.equal(await unsettled(t, () => store.remove(bare.name)), 'removed')
  t.equal(await store.remove(bare.name), 'gone')
})

t.test('a call that is not known to have been done is done when it is asked for again', async t => {
  const { name, version } = await session()
  client.before.push(lost, refuse)
  await t.rejects(store.remove(name, version), UNKNOWN)
  t.match(await other.read(name), { text: 'first' })
  t.equal(await store.remove(name, version), 'removed')
})

t.test('of removers in this process and in others one is told removed, however often they ask', async t => {
  for (const winner of ['this', 'other'] as const) {
    const { name, version } = await session()
    client.before.push(winner === 'this' ? () => {} : lost, refuse)
    client.after.push(lost)
    await t.rejects(store.remove(name, version), UNKNOWN)
    client.after.length = 0
    const answers = [await other.remove(name, version), ...await Promise.all([store.remove(name, version), store.remove(name, version)])]
    t.same(answers.sort(), ['gone', 'gone', 'removed'], winner)
  }
})

t.test('a call is not recognised after another, and stays unknown as long as nobody can tell', async t => {
  const { name, version } = await session()
  client.before.push(lost, refuse)
  await t.rejects(store.replace(name, { text: 'second' }, version), UNKNOWN)
  t.same(await store.replace(name, { text: 'third' }, 'another version...'), { result: 'conflict' }, 'another call is another')
  await saves(name, 17)
  for (let time = 0; time < 2; time++) await t.rejects(store.replace(name, { text: 'second' }, version), { message: /so many others/ })
  t.match(await other.read(name), { text: '16' })
})

t.test('a call that was refused for sure is a new one when it is asked for again', async t => {
  const { name, version } = await session()
  client.before.push(refuse)
  await t.rejects(store.replace(name, { text: 'second' }, version), { code: 'SESSION_STORE', message: /user and password of the pool$|pg_hba/ })
  await saves(name, 17)
  t.same(await store.replace(name, { text: 'second' }, version), { result: 'conflict' })
})

t.test('a row of a session that has ended outlives the calls that may ask for it, whichever store sweeps', async t => {
  const patient = new PostgresSessionStore({ pool: client, timeout: 60 })
  await patient.open()
  const { name, version } = await session()
  t.equal(await unsettled(t, () => patient.remove(name, version)), 'removed')
  const age = async (seconds: number): Promise<unknown> =>
    await server.query('UPDATE sessions SET accessed_at = statement_timestamp() - $2 * interval \'1 second\' WHERE name = $1', [name, seconds])
  const isThere = async (): Promise<boolean> => (await server.query('SELECT FROM sessions WHERE name = $1', [name])).rows.length === 1
  await age(60 + 6 * 60 - 1)
  await other.reap()
  t.ok(await isThere())
  await age(60 + 6 * 60 + 1)
  await other.reap()
  t.notOk(await isThere())
})

t.test('a session that moves is not lost with a connection that breaks after the old one went', { skip: NO_POSTGRES }, async t => {
  const { address } = await PostgresServer.start(t)
  const proxy = await TcpProxy.start(address.port)
  const [near, far] = [new pg.Pool(address), new pg.Pool({ ...address, port: proxy.port })]
  t.teardown(async () => {
    await Promise.all([near.end(), far.end()])
    await proxy.stop()
  })
  const there = new PostgresSessionStore({ pool: near })
  const store = new PostgresSessionStore({ pool: far, timeout: 1 })
  await there.open()
  while (!await store.open().then(() => true, () => false));
  const sesid = await there.newSession()
  await there.putSession(sesid, 'text')
  const records = new SessionRecords(store, store.cipher)
  /** What is not to fail has all the time that it needs. */
  const others = new SessionRecords(there, there.cipher)
  let failures = 0
  const failing = {
    newKey: () => others.newKey(),
    read: others.read.bind(others),
    create: others.create.bind(others),
    replace: others.replace.bind(others),
    settle: records.settle.bind(records),
    async remove (...call: Parameters<typeof records.remove>) {
      if (failures > 0) return await records.remove(...call)
      const cut = proxy.cutAt('fastify-file-sessions remove', 'after').then(() => { proxy.refuses = true })
      const removal = records.remove(...call)
      await cut
      t.equal(await there.getSession(sesid), null, 'it is gone')
      return await removal.finally(() => {
        failures++
        proxy.refuses = false
      })
    }
  }
  const move = await moveSession(failing, { sesid, name: store.nameOf(sesid) }, null, ({ text }) => ({ text }))
  t.equal(failures, 1)
  t.equal(await there.getSession(move?.to?.sesid as string), 'text')
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
    const sent = skewed.sent.slice(length)
    t.equal(sent.filter(text => text === sent[0]).length, statements + 1)
  }
  t.same((await server.query("SELECT FROM sessions WHERE status = 'live'")).rows, [])
})

/** Has the server carry out a call and its answer be lost, and the caller be told that the outcome is unknown. Returns what it is told when it asks again. */
async function unsettled<T> (t: Test, call: () => Promise<T>): Promise<T> {
  await store.open()
  client.before.push(() => {}, refuse)
  client.after.push(lost)
  await t.rejects(call(), UNKNOWN)
  return await call()
}

/** Others save the session so many times. */
async function saves (name: string, count: number): Promise<void> {
  for (let save = 0; save < count; save++) {
    const session = await other.read(name)
    await other.replace(name, { text: String(save) }, session?.version as string)
  }
}
