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
  t.ok(attempts < 12, 'the pauses grow')
})

/** Changes nothing, and is followed by another. */
const OVERTAKEN: Question<{ about: string }, string> = { ...SAVE, otherwise: { statement: statement('found', 'SELECT …'), values: ['name'] } }

/** A server that has nothing to change, and says of what is there what it is given. */
function overtaken (...found: Array<() => string>): { sent: string[], client: PostgresClient } {
  const sent: string[] = []
  return {
    sent,
    client: {
      async query (text: string) {
        sent.push(text)
        return { rows: text === STATEMENT.text ? [] : [{ about: (found.length > 1 ? found.shift() : found[0])?.() ?? '' }] }
      }
    }
  }
}

t.test('a statement that has changed nothing is followed by the question what is there', async t => {
  const { sent, client } = overtaken(() => '1000 live')
  t.equal(await serverOf(client).ask(OVERTAKEN), '1000 live')
  t.same(sent, ['UPDATE …', 'SELECT …'])
})

t.test('if that answer is lost, or is one of a standby, all begins anew', async t => {
  for (const trouble of [() => { throw connectionLost() }, () => 'standby live']) {
    const { sent, client } = overtaken(trouble, () => '1000 live')
    t.equal(await serverOf(client).ask(OVERTAKEN), '1000 live')
    t.same(sent, ['UPDATE …', 'SELECT …', 'UPDATE …', 'SELECT …'])
  }
})

t.test('without that answer it is known that nothing was stored, unless an earlier answer was lost', async t => {
  const lost = (): never => { throw connectionLost() }
  const silent: PostgresClient = { query: async text => text === STATEMENT.text ? { rows: [] } : await new Promise(() => {}) }
  for (const client of [overtaken(lost).client, silent]) {
    t.match(await rejectionOf(serverOf(client, 0.05).ask(OVERTAKEN)), { outcome: 'refused' })
    const scripted = new ScriptedClient(client)
    scripted.after.push(lost)
    t.match(await rejectionOf(serverOf(scripted, 0.1).ask(OVERTAKEN)), { outcome: 'unknown' })
    t.ok(scripted.sent.length > 2, 'it came to the second question')
  }
})

t.test('without a connection nothing was sent', async t => {
  const failures: Array<[Error, RegExp]> = [
    [Object.assign(new Error(), { code: 'ECONNREFUSED' }), /ECONNREFUSED/], [new Error('timeout exceeded when trying to connect'), /timeout exceeded/],
    [new Error('The server does not support SSL connections'), /: The server does not support SSL connections; look at/],
    [new Error('There was an error establishing an SSL connection'), /: There was an error establishing an SSL connection; look at/],
    [new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'), /: SASL: .* client password must be a string; look at/],
    ...['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_TLS_CERT_ALTNAME_INVALID'].map(code =>
      [Object.assign(new Error('confidential'), { code }), new RegExp(`: ${code}; look at`)] as [Error, RegExp])
  ]
  for (const [error, said] of failures) {
    const { message, outcome } = await rejectionOf(serverOf({ query: async () => { throw error } }, 0.05).ask(SAVE)) as SessionStoreError
    t.match(message, said)
    t.notMatch(message, /not known|confidential/)
    t.equal(outcome, 'refused')
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

t.test('a server that does not answer counts as down: one question at a time tries on, and the others fail at once', async t => {
  const answers: Array<() => void> = []
  let sent = 0
  const server = serverOf({
    query: async () => {
      sent++
      await new Promise<void>(resolve => { answers.push(resolve) })
      return { rows: [{ about: '1000 done' }] }
    }
  }, 0.1)
  await t.rejects(server.ask(SAVE), { message: /no answer .* not known/ })
  const trial = server.ask(READ)
  await t.rejects(server.ask(SAVE), { code: 'SESSION_STORE', statusCode: 503, message: /^cannot save a session in PostgreSQL: no answer for 0.1 seconds .*a connection to spare$/ },
    'it was not sent, so it is known that it was not done')
  t.equal(sent, 2)
  answers.at(-1)?.()
  t.equal(await trial, '1000 done')
  const all = [server.ask(SAVE), server.ask(SAVE)]
  t.equal(sent, 4, 'an answer ends it')
  for (const answer of answers) answer()
  t.same(await Promise.all(all), ['1000 done', '1000 done'])
})

t.test('a server that refuses connections counts as down, and other trouble does not make it so', async t => {
  let error: unknown
  const server = serverOf({
    query: async () => {
      if (error !== undefined) throw error
      return { rows: [{ about: '1000 done' }] }
    }
  }, 0.05)
  const passing: Array<[Error, boolean]> = [
    [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' }), true], [connectionLost(), true],
    [serverError('57P03'), true], [serverError('53300'), true], [serverError('25006'), true], [serverError('40001'), false], [serverError('0A000'), false]
  ]
  for (const [trouble, isDown] of passing) {
    error = trouble
    await t.rejects(server.ask(READ), { message: /not done after 0.05 seconds/ })
    const trial = rejectionOf(server.ask(READ))
    t.equal((await rejectionOf(server.ask(READ))).message.includes('not done after'), !isDown, String((trouble as { code?: string }).code))
    await trial
    error = undefined
    t.equal(await server.ask(READ), '1000 done')
  }
  const undecided = serverOf(echo, 0.05)
  const ask = (): Promise<string> => undecided.ask<{ about: string }, string>({ ...READ, judge: () => undefined })
  await t.rejects(ask(), { code: 'SESSION_STORE' })
  t.same(await Promise.all([undecided.ask(READ), undecided.ask(READ)]), ['1000 done', '1000 done'], 'a row that changes all the time')
})

async function rejectionOf (work: Promise<unknown>): Promise<SessionError> {
  return await work.then(() => { throw new Error('it did not reject') }, (error: unknown) => {
    if (!(error instanceof SessionStoreError)) throw error
    return error
  })
}
