import t, { type Test } from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { join } from 'node:path'
import { noDescriptorList } from '../../support/disks'
import { rounds } from '../../support/tier'

const LIMIT = 150
const CONNECTIONS = 20
const REQUESTS = rounds(1500, 10_000)

interface Answer { status: number, body: Record<string, unknown>, cookie: string | undefined }
type Ask = (method: 'GET' | 'POST', path: string, cookie?: string) => Promise<Answer>

t.test('a server that runs out of descriptors', { skip: noDescriptorList }, async t => {
  const ask = await start(t)
  const cookie = await connect(ask)

  t.test('answers with errors while there are none, and recovers', async t => {
    t.match((await ask('POST', '/occupy/0')).body, { code: 'EMFILE' }, 'there are no descriptors left')
    for (const path of ['/count', '/set']) {
      const refused = await all(() => ask('POST', path, cookie))
      t.strictSame(statuses(refused), [500], `${path}: every request is answered with an error`)
      t.match(refused[0]?.body.message, /EMFILE; this process has too many files open/, 'which says what it is')
    }
    t.match(await ask('GET', '/n', cookie), { status: 200 }, 'what is known already can be read')

    await ask('POST', '/release')
    t.strictSame(statuses(await all(() => ask('POST', '/count', cookie))), [200], 'with descriptors all is well again')
  })

  t.test('gives back what it keeps open for sessions in use', async t => {
    const own = (await all(() => ask('POST', '/count'))).map(answer => answer.cookie as string)
    for (const cookie of own) await ask('POST', '/count', cookie)
    t.match((await ask('POST', '/occupy/0?keep')).body, { code: 'EMFILE' }, 'there are no descriptors left')
    t.match(await ask('POST', '/count'), { status: 200, body: { n: 1 } }, 'a new session finds room')
    for (const cookie of own) t.match(await ask('POST', '/count', cookie), { status: 200, body: { n: 3 } })
    await ask('POST', '/release')
  })

  t.test('with two left, stores exactly what it says it has stored', async t => {
    const own = (await all(() => ask('POST', '/count'))).map(answer => answer.cookie as string)
    await ask('POST', '/occupy/2')
    const answers = await Promise.all(own.map(cookie => ask('POST', '/count', cookie)))
    t.strictSame(statuses(answers).filter(status => status !== 200 && status !== 500), [], 'it works or it is an error')
    await ask('POST', '/release')

    t.comment(`${answers.filter(({ status }) => status === 200).length} of ${answers.length} were stored`)
    const stored = await Promise.all(own.map(async cookie => (await ask('GET', '/n', cookie)).body.n))
    t.strictSame(stored, answers.map(({ status }) => status === 200 ? 2 : 1), 'nothing is lost, and nothing that failed is there')
  })

  t.test('loses no descriptor', async t => {
    const before = await ask('GET', '/descriptors')
    let left = REQUESTS
    let failed = 0
    await all(async () => {
      // Each connection has a session of its own, so that files are made, read and rewritten side by side.
      const own = (await ask('POST', '/count')).cookie as string
      while (left-- > 0) {
        const answer = left % 3 === 0 ? await ask('GET', '/n', own) : await ask('POST', left % 3 === 1 ? '/count' : '/set', own)
        if (answer.status !== 200) failed++
      }
    })
    t.equal(failed, 0, `${REQUESTS} requests are answered`)
    const after = await ask('GET', '/descriptors')
    t.equal(after.body.open, before.body.open, 'as many descriptors are open as before')
  })
})

async function start (t: Test): Promise<Ask> {
  const sessionDir = join(t.testdir(), 'sessions')
  const server = spawn('sh', ['-c', `ulimit -n ${LIMIT} && exec "$@"`, 'sh', process.execPath, ...process.execArgv,
    join(__dirname, '../../support/few-descriptors-app.ts'), sessionDir], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const exited = once(server, 'exit')
  const [port] = await once(server, 'message') as [number]
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: CONNECTIONS })
  t.teardown(async () => {
    agent.destroy()
    server.disconnect()
    await exited
  })
  return (method, path, cookie) => request({ agent, port, method, path, headers: cookie === undefined ? {} : { cookie } })
}

/** Opens every connection, and has everything done once that is only set up at first use. */
async function connect (ask: Ask): Promise<string> {
  const { cookie } = await ask('POST', '/count')
  await all(() => ask('POST', '/count', cookie))
  return cookie as string
}

async function all<T> (work: () => Promise<T>): Promise<T[]> {
  return await Promise.all(Array.from({ length: CONNECTIONS }, work))
}

function statuses (answers: Answer[]): number[] {
  return [...new Set(answers.map(({ status }) => status))]
}

async function request (options: http.RequestOptions): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    http.request({ host: '127.0.0.1', ...options }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => { text += String(chunk) })
      response.on('end', () => {
        const cookie = response.headers['set-cookie']?.[0]?.split(';')[0]
        resolve({ status: response.statusCode as number, body: JSON.parse(text) as Answer['body'], cookie })
      })
    }).on('error', reject).end()
  })
}
