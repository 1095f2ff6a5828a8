import t from 'tap'
import { DONE, READ } from '../../../lib/store/redis/scripts'
import { RedisSessionStore } from '../../../redis'
import { ScriptedNodeRedis } from '../../support/scripted-node-redis'

/** What is behind the address of a client: returns how many of these keys the server of the first has, or throws. */
type Behind = (keys: string[]) => number

/** Returns how many commands two reads of one turn are. */
async function commandsForTwo (behind: Behind): Promise<number> {
  const client = Object.assign(new ScriptedNodeRedis(), { commandDocs () {} })
  client.answer = ([verb, script, count, ...rest]) => {
    if (verb === 'SET') return 'OK'
    if (verb === 'DEL') return 1
    if (verb === 'INFO') return ''
    if (verb === 'EVAL') return behind(rest.slice(0, Number(count)))
    return script === READ.sha ? [4e12, ...Array(Number(count)).fill(null)] : [4e12, DONE]
  }
  const store = new RedisSessionStore({ client })
  await store.open()
  client.sent.length = 0
  await Promise.all(['a', 'b'].map(id => store.read(store.nameOf(id))))
  return client.sent.length
}

t.test('calls are joined where one command reaches all keys', async t => {
  t.equal(await commandsForTwo(keys => keys.length), 1)
})

t.test('calls are not joined behind a proxy that spreads the keys over servers', async t => {
  t.equal(await commandsForTwo(keys => keys.filter(key => key.codePointAt(25) === keys[0]?.codePointAt(25)).length), 2)
  t.equal(await commandsForTwo(() => { throw new Error("CROSSSLOT Keys in request don't hash to the same slot") }), 2)
})
