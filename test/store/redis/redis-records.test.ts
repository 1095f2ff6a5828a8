import t from 'tap'
import { CONFLICT, CREATE, DONE, GONE, READ, REMOVE, REPLACE, REPLACE_UNUSED, SET_ASIDE, TOUCH, UNKNOWN } from '../../../lib/store/redis/scripts'
import { RedisSessionStore, type RedisSessionStoreOptions } from '../../../redis'
import { ScriptedNodeRedis } from '../../support/scripted-node-redis'

const NOW = 4e12
const VERSION = 'abcdefghijklmnop'

/** A store whose server answers every call with this. */
function storeOf (answer: unknown, options: Partial<RedisSessionStoreOptions> = {}) {
  const client = new ScriptedNodeRedis()
  client.answer = () => [NOW, answer]
  const store = new RedisSessionStore({ client, ...options })
  const name = store.nameOf('id')
  /** What the last script was told: its hash, keys, and the words of its parameters behind the id of the call. */
  const last = () => {
    const [verb, sha, keys, ...rest] = client.sent.at(-1) ?? []
    const [, parameters = '', text] = rest.slice(Number(keys))
    const [id, ...words] = parameters.split(' ')
    return { verb, sha, keys: rest.slice(0, Number(keys)), id, words, text }
  }
  return { client, store, name, last }
}

t.test('each verb is one script, and its outcome', async t => {
  const created = storeOf(DONE)
  const creation = await created.store.create(created.name, { text: 'text', idleTimeout: 60, createdAt: 1000.5 })
  const { id, ...call } = created.last()
  t.strictSame(creation, { result: 'created', version: id })
  t.strictSame(call, { verb: 'EVALSHA', sha: CREATE.sha, keys: [`file-sessions:sid:{${created.name}}`], words: ['60', '1000', '-'], text: 'text' })
  const taken = storeOf(CONFLICT)
  t.strictSame(await taken.store.create(taken.name, { text: '' }), { result: 'taken' })
  t.strictSame(taken.last().words, ['0', '-', '-'])

  for (const [outcome, result, removal] of [[DONE, 'replaced', 'removed'], [CONFLICT, 'conflict', 'conflict'], [GONE, 'gone', 'gone']] as const) {
    const { store, name, last } = storeOf(outcome)
    t.match(await store.replace(name, { text: 'next' }, VERSION), { result })
    t.match(last(), { sha: REPLACE.sha, words: ['0', '-', VERSION], text: 'next' })
    await store.replace(name, { text: 'next', keepLastUse: true }, 'not a version of ours')
    t.match(last(), { sha: REPLACE_UNUSED.sha, words: ['0', '-', '?'] })
    t.equal(await store.remove(name, VERSION), removal)
    t.match(last(), { sha: REMOVE.sha, words: ['0', '-', VERSION], text: '' })
    t.equal(await store.remove(name), removal)
    t.match(last().words, ['0', '-', '-'])
  }
  const { store, name, last } = storeOf(DONE)
  await store.touch(name)
  t.match(last(), { sha: TOUCH.sha })
  await store.setAside(name, VERSION)
  const aside = last()
  t.match(aside, { sha: SET_ASIDE.sha, words: ['0', '-', VERSION] })
  t.strictSame(aside.keys, [`file-sessions:sid:{${name}}`, `file-sessions:sid:{${name}}:aside:${aside.id}`])
})

t.test('read returns the value of the key; null when there is none', async t => {
  const { store, name, client } = storeOf(`S1${String(NOW).repeat(3)}0000000060${VERSION}00text`)
  t.match(await store.read(name), { text: 'text', version: VERSION, idleTimeout: 60, createdAt: NOW })
  t.equal(client.sent[0]?.[1], READ.sha)
  t.equal(await storeOf(null).store.read(name), null)
})

t.test('the ids of a store\'s records begin alike, and differ from those of another one', async t => {
  const [one, other] = [storeOf(DONE), storeOf(DONE)]
  const ids: string[] = []
  for (const { store, name, last } of [one, one, other]) {
    await store.touch(name)
    ids.push(last().id as string)
  }
  t.ok(ids.every(id => /^[\w-]{16}$/.test(id)))
  t.equal(ids[0]?.slice(0, 4), ids[1]?.slice(0, 4))
  t.equal(new Set(ids).size, 3)
})

t.test('the server is told the timeouts in milliseconds that it can reckon with', async t => {
  for (const [options, lifetimes] of [[{}, '7200000 0'], [{ idleTimeout: 0.0001, absoluteTimeout: 5 }, '1 5000'], [{ idleTimeout: 1e300 }, `${2 ** 32 * 1000} 0`]] as const) {
    const { store, name, client } = storeOf(DONE, options)
    await store.touch(name)
    t.match(client.sent[0]?.[4], new RegExp(`^\\d+ 0\\d+ ${lifetimes}$`))
  }
})

t.test('what is not known to have been done is an error, and so is what too few replicas have', async t => {
  const { store, name } = storeOf(UNKNOWN)
  await t.rejects(store.replace(name, { text: '' }, VERSION), { name: 'SessionStoreError', outcome: 'unknown', message: /not known whether the server did it/ })
  const replicated = (outcome: number, have: number) => {
    const { client, store } = storeOf(outcome, { replicas: { count: 2, timeout: 1 } })
    const commands: string[][] = []
    const multi = () => ({
      addCommand (command: string[]) { commands.push(command) },
      execAsPipeline: async () => [await client.sendCommand(commands[0] as string[]), have]
    })
    Object.assign(client, { multi })
    return store
  }
  t.equal(await replicated(DONE, 2).remove(name), 'removed')
  await t.rejects(replicated(DONE, 1).remove(name), { outcome: 'unconfirmed', message: /only 1 of 2 replicas confirmed it/ })
  await t.rejects(replicated(GONE, 1).remove(name), { name: 'SessionStoreError', outcome: 'refused' }, 'a caller relies on it')
  t.match(await replicated(GONE, 1).replace(name, { text: '' }, VERSION), { result: 'gone' })
})

t.test('what cannot be stored, or is no name, is not sent', async t => {
  const { client, store, name } = storeOf(DONE, { maxSize: 5 })
  await t.rejects(store.create(name, { text: 'x'.repeat(6) }), { code: 'SESSION_TOO_BIG' })
  await t.rejects(store.replace(name, { text: '', idleTimeout: -1 }, VERSION), { code: 'SESSION_OPTION' })
  await t.rejects(store.read('id'), { code: 'SESSION_ID' })
  t.strictSame(client.sent, [])
})

t.test('of two callers that remove a session again after an error, one alone is taken for the first', async t => {
  const client = new ScriptedNodeRedis()
  const store = new RedisSessionStore({ client })
  const name = store.nameOf('session')
  client.answer = () => { throw new TypeError('what became of it is not known') }
  await t.rejects(store.remove(name, 'version-of-it-16'), { name: 'SessionStoreError' })
  client.answer = () => [4e12, DONE]
  await Promise.all([store.remove(name, 'version-of-it-16'), store.remove(name, 'version-of-it-16')])
  const [first, second, third] = client.sent.flatMap(command => command.filter(text => text.endsWith(' version-of-it-16'))).map(text => text.slice(0, 16))
  t.equal(second, first)
  t.not(third, first)
})
