import t, { type Test } from 'tap'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import fileSessions from '../../../index'
import { ageAccess, age } from '../../support/aged-sessions'
import { Client } from '../../support/client'
import { listen } from '../../support/serve'
import { newFile, sessionDirectory } from '../../support/session-files'
import { undeclared } from '../../support/undeclared'

const HOUR = 3600
const VISITORS = 8
const IDLE = 40
/** Requests that each visitor makes while the files are cleaned away. */
const ROUNDS = 25

interface Visitor { client: Client, name: string, file: string }

/** `find sessions -type f -amin +120 -delete`, as people have it in their crontab. */
async function clean (sessionDir: string): Promise<void> {
  await promisify(execFile)('find', [sessionDir, '-type', 'f', '-amin', '+120', '-delete'])
}

async function cleanBesideServer (t: Test, sessionDir: string): Promise<void> {
  const app = Fastify({ forceCloseConnections: true })
  // Whether a session lives is for the external process alone to say.
  await app.register(fileSessions, { sessionDir, idleTimeout: 30 * 24 * HOUR, reapInterval: 0 })
  app.get('/', async request => {
    const { name } = request.session.data()
    if (name === undefined) request.session.set('name', 'newcomer')
    return { name: name ?? null }
  })
  app.get('/as/:name', async request => {
    request.session.set('name', (request.params as { name: string }).name)
    return { name: null }
  })
  app.get('/count', async request => {
    await undeclared(request).update(draft => { draft['count'] = Number(draft['count'] ?? 0) + 1 })
    return { name: request.session.get('name') ?? null, count: request.session.get('count') }
  })
  const url = await listen(t, app)

  const known: string[] = []
  async function newVisitor (name: string): Promise<Visitor> {
    const client = new Client(url)
    await client.get(`/as/${name}`)
    const file = newFile(sessionDir, known)
    known.push(file)
    return { name, file, client }
  }
  async function request (path: string, { client }: Visitor) {
    const { status, json, headers } = await client.get(path)
    return { status, body: json as { name: string | null, count?: number }, setCookie: headers.get('set-cookie') }
  }

  const readers: Visitor[] = []
  const writers: Visitor[] = []
  const idle: Visitor[] = []
  for (let number = 0; number < VISITORS; number++) {
    readers.push(await newVisitor(`reader${number}`))
    writers.push(await newVisitor(`writer${number}`))
  }
  for (let number = 0; number < IDLE; number++) idle.push(await newVisitor(`idle${number}`))
  const away = await newVisitor('away-for-an-hour')
  age(away.file, HOUR)
  // Used just now after a long night: only one request since.
  for (const { file } of [...readers, ...writers]) ageAccess(file, 3 * HOUR)
  for (const { file } of idle) age(file, 3 * HOUR)
  const firsts = [...readers.map(visitor => request('/', visitor)), ...writers.map(visitor => request('/count', visitor))]
  for (const { status } of await Promise.all(firsts)) t.equal(status, 200)

  // The last quarter of the idle ones come back in the very moment in which they are cleaned away.
  const late = idle.splice(-IDLE / 4)
  const load = [
    ...readers.map(async visitor => {
      for (let round = 0; round < ROUNDS; round++) {
        const { status, body, setCookie } = await request('/', visitor)
        if (status !== 200 || body.name !== visitor.name || setCookie !== null) throw lost(visitor, status, body)
      }
    }),
    ...writers.map(async visitor => {
      for (let round = 0; round < ROUNDS; round++) {
        const { status, body } = await request('/count', visitor)
        if (status !== 200 || body.name !== visitor.name || body.count !== round + 2) throw lost(visitor, status, body)
      }
    }),
    ...late.map(async visitor => {
      const { status, body, setCookie } = await request('/', visitor)
      const isFresh = body.name === null && setCookie !== null && /^sid=./.test(setCookie)
      t.equal(status, 200)
      t.ok(isFresh || body.name === visitor.name, 'its session, or a fresh one')
    })
  ]
  const cleaning = clean(sessionDir)
  await Promise.all([...load, cleaning])

  t.strictSame(idle.filter(({ file }) => existsSync(file)), [], 'every idle session is gone')
  t.ok([...readers, ...writers].every(({ file }) => existsSync(file)), 'every session in use is there')
  t.ok(existsSync(away.file), 'as is one that was used an hour ago')
  t.equal((await request('/', away)).body.name, 'away-for-an-hour')
  for (const visitor of idle) {
    const { cookie } = visitor.client
    const { status, body, setCookie } = await request('/', visitor)
    t.equal(status, 200)
    t.equal(body.name, null, 'a fresh session')
    t.notSame(setCookie?.split(';')[0], cookie, 'under a fresh id')
  }
}

function lost ({ name }: Visitor, status: number, body: unknown): Error {
  return new Error(`${name}, who was not idle, got ${status} ${JSON.stringify(body)}`)
}

t.test('find -amin -delete beside a live server removes exactly the idle sessions', async t => {
  await cleanBesideServer(t, sessionDirectory(t))
})

t.test('find -amin -delete removes exactly the idle sessions also where the system sets no access times', async t => {
  const mountPoint = mkdtempSync(join(tmpdir(), 'file-sessions-noatime-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'noatime,size=16m', 'tmpfs', mountPoint], { stdio: 'pipe' })
  } catch {
    rmdirSync(mountPoint)
    t.comment('skipped: this user may not mount a tmpfs with noatime')
    return
  }
  try {
    // A test of its own, for its server to be closed before the filesystem goes.
    await t.test('on a tmpfs', async t => { await cleanBesideServer(t, join(mountPoint, 'sessions')) })
  } finally {
    execFileSync('umount', ['-l', mountPoint])
    rmdirSync(mountPoint)
  }
})
