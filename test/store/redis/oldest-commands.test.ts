import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import t from 'tap'
import { RedisSessionStore } from '../../../redis'
import { SINGLE, type Connect } from '../../support/redis-clients'
import { redisIsMissing, startReplicated } from '../../support/redis-server'

/** Of the oldest server that the store works on. */
const OLDEST = 6.2
/** What the client sends of itself, and what this test does. */
const NOT_OURS = /^(HELLO|CLIENT (SETINFO|SETNAME|MAINT_NOTIFICATIONS)|QUIT|MONITOR|REPLCONF|PSYNC|COMMAND DOCS)/i
const WORD = /"((?:[^"\\]|\\.)*)"/g

/** What a server says of a command or a part of it: see COMMAND DOCS. */
interface Documented {
  readonly since?: string
  readonly token?: string
  readonly isSubcommand?: boolean
  readonly parts: readonly Documented[]
}

t.test('every command and option that the store uses is known to the oldest server', { skip: redisIsMissing }, async t => {
  const { primary: server } = await startReplicated(t)
  const monitor = connect(server.port, '127.0.0.1')
  t.teardown(() => { monitor.destroy() })
  const used: string[][] = []
  const last = new Promise<void>(resolve => {
    createInterface(monitor).on('line', line => {
      const words = [...line.matchAll(WORD)].map(([, word]) => word as string)
      if (words.length > 0) used.push(words)
      if (words.includes('the last command')) resolve()
    })
  })
  monitor.write('MONITOR\r\n')
  await once(monitor, 'data')

  const client = await (SINGLE['redis 6'] as Connect)(t, server.port)
  const store = new RedisSessionStore({ client, replicas: { count: 1, timeout: 20 }, timeout: 20, cache: {}, absoluteTimeout: 9000 })
  await store.open()
  const [sesid, other] = [await store.newSession(), await store.newSession()]
  await Promise.all([store.putSession(sesid, 'one'), store.putSession(other, 'two')])
  await store.touch(store.nameOf(sesid))
  t.equal(await store.getSession(sesid), 'one')
  await store.setAside(store.nameOf(other))
  for await (const { text } of store.exportSessions()) t.equal(text, 'one')
  await store.delSession(sesid)
  await store.clear()
  await store.close()
  await server.run('ECHO', 'the last command')
  await last

  const ours = used.filter(words => !NOT_OURS.test(words.join(' ')))
  const names = new Set(ours.map(([name = '']) => name.toLowerCase()))
  for (const name of ['evalsha', 'set', 'get', 'getrange', 'setrange', 'pexpireat', 'pttl', 'rename', 'scan', 'wait', 'info', 'client', 'publish']) {
    t.ok(names.has(name), `${name} is looked at`)
  }
  for (const name of names) {
    const documented = documentedOf(await server.run('COMMAND', 'DOCS', name))
    t.ok(documented.length > 0, `${name} is documented`)
    const words = new Set(ours.filter(([first = '']) => first.toLowerCase() === name).flat().map(word => word.toUpperCase()))
    const newer = documented.flatMap(each => newerParts(each, words))
    t.strictSame(newer, [], `${name} is as old`)
  }
})

/** Returns what is used of the parts that the oldest server does not know. A command itself is a part with its name; a part is at least as new as the whole. */
function newerParts ({ since, token = '', isSubcommand = false, parts }: Documented, words: ReadonlySet<string>, whole = '0'): Array<{ token: string, since: string }> {
  const own = since ?? whole
  const isUsed = words.has(token.toUpperCase())
  if (isSubcommand && !isUsed) return []
  return [...isUsed && Number.parseFloat(own) > OLDEST ? [{ token, since: own }] : [], ...parts.flatMap(part => newerParts(part, words, own))]
}

/** Reads the answer of COMMAND DOCS, in RESP 2: names and values in turn. */
function documentedOf (answer: unknown): Documented[] {
  const [name, facts] = answer as [string?, unknown[]?]
  return name === undefined ? [] : [{ ...factsOf(facts as unknown[]), token: name }]
}

function factsOf (facts: readonly unknown[]): Documented {
  const all = new Map<unknown, unknown>()
  for (let at = 0; at < facts.length; at += 2) all.set(facts[at], facts[at + 1])
  const subcommands = (all.get('subcommands') ?? []) as unknown[]
  const parts = ((all.get('arguments') ?? []) as unknown[][]).map(factsOf)
  for (let at = 0; at < subcommands.length; at += 2) {
    parts.push({ ...factsOf(subcommands[at + 1] as unknown[]), token: String(subcommands[at]).split('|').at(-1) as string, isSubcommand: true })
  }
  const [since, token] = [all.get('since'), all.get('token')]
  return { parts, ...since === undefined ? {} : { since: String(since) }, ...token === undefined ? {} : { token: String(token) } }
}
