import { inspect } from 'node:util'
import t from 'tap'
import { SessionError, SessionStoreError } from '../../../lib/errors'
import type { PostgresClient, PostgresValue } from '../../../lib/store/postgres/options'
import { Server, type Question } from '../../../lib/store/postgres/server'
import { statement } from '../../../lib/store/postgres/statements'
import { connectionLost, ScriptedClient, serverError } from '../../support/scripted-client'

const STATEMENT = statement('save', 'UPDATE …')
const SAVE: Question<{ about: string }, string> = {
  doing: 'save a session', statement: STATEMENT, values: deadline => ['confidential', deadline], judge: ([row]) => row?.about
}
const READ = { ...SAVE, doing: 'read a session', isReading: true }

/** A client that always answers the same. */
const echo: PostgresClient = { query: async () => ({ rows: [{ about: '1000 done' }] }) }

function serverOf (pool: PostgresClient, timeout = 5, prepare = false): Server {
  return new Server({ pool, timeout, prepare })
}

t.test('passing trouble is met by asking again', async t => {
  const passing = [
    ...['08006', '08003', '57P01', '57P02', '57P03', '53300', '40001', '40P01', '25006', '0A000'].map(code => serverError(code)),
    ...['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ETIMEDOUT'].map(code => Object.assign(new Error(code), { code })),
    connectionLost(), new Error('whatever a client says'), 'not even an error', undefined
  ]
  for (const error of passing) {
    const client = new ScriptedClient(echo)
    client.before.push(() => { throw error })
    t.equal(await serverOf(client).ask(SAVE), '1000 done')
    t.equal(client.sent.length, 2)
  }
})

t.test('other trouble is not', async t => {
  const lasting: Array<[Error, RegExp]> = [
    [serverError('42501', 'permission denied for table sessions'), /^cannot save a session in PostgreSQL: permission denied for table sessions \(42501\); give the role .*$/],
    [serverError('28P01'), /user and password/], [serverError('42P01'), /must not be removed/], [serverError('55P03'), /another transaction/],
    [serverError('57014'), /statement_timeout/], [serverError('53100'), /free some space/], [serverError('XX000'), /: XX000$/],
    [serverError('22021', 'invalid byte sequence: confidential'), /: 22021$/], [serverError('P0001', 'confidential'), /: P0001$/],
    [new TypeError('confidential is not a function'), /: the client failed$/],
    [new Error('Cannot use a pool after calling end on the pool'), /: Cannot use a pool after calling end on the pool$/]
  ]
  for (const [error, message] of lasting) {
    const client = new ScriptedClient(echo)
    client.before.push(() => { throw error })
    const rejection = await rejectionOf(serverOf(client).ask(SAVE))
    t.match(rejection.message, message)
    t.equal(client.sent.length, 1)
    t.notMatch(inspect(rejection, { showHidden: true, depth: 10 }), /secret|confidential/)
  }
})

t.test('an error keeps the code of its cause, and nothing that may be data', async t => {
  const client = new ScriptedClient(echo)
  client.before.push(() => { throw serverError('23505', 'duplicate key: confidential') })
  const { cause, code, statusCode } = await rejectionOf(serverOf(client).ask(SAVE)) as SessionStoreError
  t.equal(code, 'SESSION_STORE')
  t.equal(statusCode, 503)
  t.same({ ...cause as object }, { code: '23505' })
  t.equal((cause as Error).message, 'the server answered with SQLSTATE 23505')
})

t.test('a SessionError of the question is passed on', async t => {
  const error = new SessionError('SESSION_ID', 'what the values throw')
  await t.rejects(serverOf(echo).ask({ ...SAVE, values: () => { throw error } }), error)
})

t.test('without an answer a question ends with the time limit', async t => {
  const silent: PostgresClient = { query: async () => await new Promise(() => {}) }
  await t.rejects(serverOf(silent, 0.02).ask(SAVE),
    { code: 'SESSION_STORE', message: /no answer for 0.02 seconds .*; it is not known whether the server has done it$/ })
  await t.rejects(serverOf(silent, 0.02).ask(READ), { code: 'SESSION_STORE', message: /a connection to spare$/ })
})

t.test('repetition ends with the time limit, and says why', async t => {
  let code = '57P03'
  let attempts = 0
  const down: PostgresClient = {
    query: async () => {
      attempts++
      throw serverError(code, 'the database system is starting up')
    }
  }
  await t.rejects(serverOf(down, 0.1).ask(READ), { message: /: not done after 0.1 seconds .*: the database system is starting up \(57P03\); .*down$/, cause: { code } })
  await t.rejects(serverOf(down, 0.1).ask(SAVE), { message: /it is not known whether/ })
  code = '53300'
  attempts = 0
  const { message } = await rejectionOf(serverOf(down, 0.1).ask(SAVE))
  t.notMatch(message, /not known/, 'what cannot have been done is not said to be unknown')
  t.ok(attempts > 2 && attempts < 12, 'the pauses grow')
})

t.test('without a connection nothing was sent', async t => {
  for (const error of [Object.assign(new Error(), { code: 'ECONNREFUSED' }), new Error('timeout exceeded when trying to connect')]) {
    const { message } = await rejectionOf(serverOf({ query: async () => { throw error } }, 0.05).ask(SAVE))
    t.notMatch(message, /not known/)
  }
})

t.test('the deadline of a statement is by the clock of the server, and before the end of the time limit', async t => {
  const deadlines: number[] = []
  const server = serverOf({
    async query (_text, values: PostgresValue[]) {
      deadlines.push(values[1] as number)
      return { rows: [{ about: '5000000' }] }
    }
  }, 10)
  await server.ask(SAVE)
  await server.ask(SAVE)
  t.ok(deadlines[1]! >= 5_009_000 && deadlines[1]! < 5_010_000, String(deadlines[1]))
})

t.test('statements are prepared by name, until it is found that they are not kept', async t => {
  for (const code of ['26000', '42P05']) {
    const asked: unknown[] = []
    const pool = {
      async query (...parameters: unknown[]) {
        asked.push(parameters)
        if (asked.length === 2) throw serverError(code)
        return { rows: [{ about: '1' }] }
      }
    }
    const server = serverOf(pool, 5, true)
    await server.ask(SAVE)
    t.notOk(server.isUnprepared)
    await server.ask(SAVE)
    t.ok(server.isUnprepared)
    await server.ask(SAVE)
    const { name, text } = STATEMENT
    t.match(asked, [[{ name, text, values: ['confidential', Number] }], [{ name }], [text, ['confidential', Number]], [text, []]])
  }
})

async function rejectionOf (work: Promise<unknown>): Promise<SessionError> {
  return await work.then(() => { throw new Error('it did not reject') }, (error: unknown) => {
    if (!(error instanceof SessionStoreError)) throw error
    return error
  })
}
