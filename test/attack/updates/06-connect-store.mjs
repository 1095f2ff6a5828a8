import { once } from 'node:events'
import { setImmediate as later } from 'node:timers/promises'
import { promisify } from 'node:util'
import express from 'express'
import session from 'express-session'
import { SessionError, SessionFileStore } from 'fastify-file-sessions'
import { connectStore, fromConnectStore } from 'fastify-file-sessions/connect'
import { fetchFrom, openSite, visit } from '../support/site.mjs'

const ROUNDS = 100

function newStore (ground) {
  const files = new SessionFileStore({ sessionDir: ground.directory() })
  const store = connectStore(files)
  const calls = { files, store }
  for (const method of ['get', 'set']) calls[method] = promisify(store[method].bind(store))
  return calls
}

function newSession (data) {
  return { cookie: new session.Cookie(), ...data }
}

async function overlappingSets (ground) {
  const { get, set } = newStore(ground)
  for (let round = 0; round < 2 * ROUNDS; round++) {
    // Every other round the id is new.
    const sesid = `id-${round - round % 2}`
    await Promise.all([1, 2, 3].map(n => set(sesid, newSession({ n }))))
    ground.judge((await get(sesid)).n !== 3, 'of overlapping set calls the older wins')
  }
}

async function unawaitedSave (ground) {
  const app = express()
  app.use(session({ store: newStore(ground).store, secret: 'x', resave: false, saveUninitialized: false }))
  app.get('/write', async ({ session, query }, response) => {
    session.n = 1
    session.save(() => {})
    for (let turn = 0; turn < query.turns; turn++) await later()
    session.n = 2
    response.end('{}')
  })
  app.get('/read', ({ session }, response) => { response.json({ n: session.n }) })
  const server = app.listen(0, '127.0.0.1')
  ground.later(() => { server.close() })
  await once(server, 'listening')
  const { port } = server.address()
  for (let round = 0; round < ROUNDS; round++) {
    const { cookie } = await fetchFrom(port, `/write?turns=${round % 4}`)
    const { body } = await fetchFrom(port, '/read', { cookie })
    ground.judge(body.n !== 2, 'an unawaited save() loses what the request stored at its end')
  }
}

async function changedAfterSet (ground) {
  const { get, set } = newStore(ground)
  for (let round = 0; round < 10; round++) {
    const data = newSession({ n: 1 })
    const setting = set(`id-${round}`, data)
    data.n = 2
    await setting
    ground.judge((await get(`id-${round}`)).n !== 1, 'set stores what was changed after the call')
  }
}

async function whatCannotBeStored (ground) {
  const { set } = newStore(ground)
  const circle = newSession()
  circle.secretName = { circle }
  for (const data of [circle, newSession({ secretName: 1n })]) {
    const error = await set('id', data).then(() => null, error => error)
    ground.tried()
    ground.succeeded('set answers with an error that is not a SessionError', error instanceof SessionError ? 0 : 1)
    ground.succeeded('the error tells a name from the data', /secretName/.test(`${error?.stack} ${error?.cause?.stack}`) ? 1 : 0)
  }
}

async function oddCookies (ground) {
  const { get, set } = newStore(ground)
  const cookies = [{ expires: new Date(NaN) }, { maxAge: Infinity }, { originalMaxAge: Infinity }, { originalMaxAge: NaN }]
  for (const [index, options] of cookies.entries()) {
    const cookie = Object.assign(new session.Cookie(), options)
    const error = await set(`id-${index}`, { cookie, n: 1 }).then(() => null, error => error)
    ground.tried()
    ground.succeeded('a cookie without a time that makes sense cannot be stored', error === null ? 0 : 1)
    ground.succeeded('a session whose cookie has no time that makes sense is gone', (await get(`id-${index}`))?.n === 1 ? 0 : 1)
  }
}

async function noId (ground) {
  const { files, set } = newStore(ground)
  for (const sesid of [undefined, null, '', 7]) {
    const error = await set(sesid, newSession({ n: 1 })).then(() => null, error => error)
    ground.tried()
    ground.succeeded('set without an id succeeds', error === null ? 1 : 0)
    ground.succeeded('set without an id answers with an error that is not a SessionError', error instanceof SessionError || error === null ? 0 : 1)
    ground.succeeded('set without an id blames the store', error?.code === 'SESSION_STORE' ? 1 : 0)
  }
  for await (const { size } of files.sessions()) ground.succeeded(`a session of ${size} bytes was left behind`)
}

async function setCalls (ground) {
  const memory = new session.MemoryStore()
  let calls = 0
  const store = {
    get: memory.get.bind(memory),
    destroy: memory.destroy.bind(memory),
    touch: memory.touch.bind(memory),
    set (...args) {
      calls++
      memory.set(...args)
    }
  }
  const app = await openSite(ground, { store: fromConnectStore(store) })
  for (let round = 0; round < 5; round++) {
    calls = 0
    await visit(app, '/set', { body: { n: 1 } })
    ground.judge(calls !== 1, `a new session takes ${calls} set calls`)
  }
}

export const attacks = [
  { entry: 6, name: 'connectStore: overlapping set calls of one id', run: overlappingSets },
  { entry: 6, name: 'connectStore: unawaited save() under express-session', run: unawaitedSave },
  { entry: 6, name: 'connectStore: data changed right after set', run: changedAfterSet },
  { entry: 6, name: 'connectStore: a circle and a BigInt', run: whatCannotBeStored },
  { entry: 6, name: 'connectStore: cookies without a time that makes sense', run: oddCookies },
  { entry: 6, name: 'connectStore: set without an id', run: noId },
  { entry: 6, name: 'fromConnectStore: set calls of a new session', run: setCalls }
]
