import type { PostgresClient, PostgresValue } from '../../lib/store/postgres/options'

type Step = (statement: { text: string, values: PostgresValue[] }) => unknown

/** A client that a test makes fail: before a statement gets to the server, or after it was carried out. */
export class ScriptedClient implements PostgresClient {
  /** The statements that were sent, the oldest first. */
  readonly sent: string[] = []
  /** Each runs once, before the next statement: throw, and the server never gets it. */
  readonly before: Step[] = []
  /** Each runs once, after the next statement: throw, and its answer is lost. */
  readonly after: Step[] = []

  constructor (private readonly client: PostgresClient) {}

  async query (text: string, values: PostgresValue[]): Promise<{ rows: object[] }> {
    this.sent.push(text)
    const [before, after] = [this.before.shift(), this.after.shift()]
    await before?.({ text, values })
    const { rows } = await this.client.query(text, values)
    await after?.({ text, values })
    return { rows }
  }
}

/** What pg says of a connection that broke. */
export function connectionLost (): Error {
  return new Error('Connection terminated unexpectedly')
}

/** What a client rejects with when the server answered with an error. */
export function serverError (code: string, message = 'message'): Error {
  return Object.assign(new Error(message), { code, detail: 'Key (name)=(secret) already exists.', hint: 'secret', where: 'secret', severity: 'ERROR' })
}
