import { strict as assert } from 'node:assert'
import { setImmediate as later } from 'node:timers/promises'
import type { Removal, Replacement, StoredSession } from '../store/session-record'
import type { RecordStore } from '../store/session-store'
import { created, newSession, readLive, replaced, textOf } from './bench'
import { checks } from './check'

/** Stores that work on one place at the same time. */
const STORES = 4
/** What races is tried so often: a store that is wrong rarely shows it at once. */
const TURNS = 10
const UPDATES = 25

/** Several stores at one place at once, as those of several processes are. */
export const RACES = checks(['records'], {
  async 'of several creates under one name exactly one is told created' (bench) {
    const stores = await bench.stores(STORES)
    for (let turn = 0; turn < TURNS; turn++) {
      const name = stores[0]!.nameOf(await stores[0]!.newId())
      const creations = await Promise.all([...stores, ...stores].map((store, index) => store.create(name, { text: textOf(index) })))
      const winners = [...creations.entries()].filter(([, { result }]) => result === 'created')
      assert.equal(winners.length, 1, `${winners.length} are told created`)
      const [index, creation] = winners[0]!
      for (const store of stores) {
        const { text, version } = await readLive(store, name)
        assert.deepEqual([text, version], [textOf(index), created(creation)])
      }
    }
  },

  async 'of several replaces at one version exactly one is told replaced' (bench) {
    const stores = await bench.stores(STORES)
    for (let turn = 0; turn < TURNS; turn++) {
      const { name, version } = await newSession(stores[0]!)
      const answers = await Promise.all([...stores, ...stores].map((store, index) => store.replace(name, { text: textOf(index) }, version)))
      const winners = [...answers.entries()].filter(([, { result }]) => result === 'replaced')
      assert.equal(winners.length, 1, `${winners.length} are told replaced`)
      assert(answers.every(({ result }) => result !== 'gone'), 'one is told gone')
      const [index, answer] = winners[0]!
      for (const store of stores) {
        const { text, version } = await readLive(store, name)
        assert.deepEqual([text, version], [textOf(index), replaced(answer)])
      }
    }
  },

  async 'of several removes exactly one is told removed' (bench) {
    const stores = await bench.stores(STORES)
    for (let turn = 0; turn < TURNS; turn++) {
      const { name, version } = await newSession(stores[0]!)
      const answers = await Promise.all([...stores, ...stores].map((store, index) => store.remove(name, index % 2 === 0 ? version : undefined)))
      assert.deepEqual(answers.sort(), [...Array<string>(answers.length - 1).fill('gone'), 'removed'])
      assert.equal(await stores[0]!.read(name), null)
    }
  },

  async 'of a replace and a remove at one version exactly one succeeds' (bench) {
    const [one, other] = await bench.stores(2)
    for (let turn = 0; turn < TURNS; turn++) {
      const { name, version } = await newSession(one!)
      const calls: [() => Promise<Replacement>, () => Promise<Removal>] =
        [() => one!.replace(name, { text: textOf(2) }, version), () => other!.remove(name, version)]
      const [{ result }, removal] = await inOrder(calls, turn % 2 === 0)
      assert(result === 'replaced' ? removal === 'conflict' : result === 'gone' && removal === 'removed', `replace: ${result}, remove: ${removal}`)
      assert.equal((await one!.read(name))?.text ?? null, result === 'replaced' ? textOf(2) : null)
    }
  },

  async 'of many updates from several stores at once none is lost or doubled' (bench) {
    const stores = await bench.stores(STORES)
    const { name } = await newSession(stores[0]!, { text: textOf(0) })
    await Promise.all(stores.map(async store => {
      for (let update = 0; update < UPDATES; update++) await increment(store, name)
    }))
    for (const store of stores) assert.equal(valueOf(await readLive(store, name)), STORES * UPDATES)
  },

  async 'an update is never acknowledged after the session was removed' (bench) {
    const [store, other] = await bench.stores(2)
    for (let turn = 0; turn < TURNS; turn++) {
      const { name } = await newSession(store!, { text: textOf(0) })
      let isRemoved = false
      const updating = (async () => {
        for (;;) {
          await later()
          // An update that began before the answer to the removal may be acknowledged after it; one that begins later may not.
          const beganLater = isRemoved
          if (!await increment(store!, name)) break
          assert(!beganLater, 'an update was stored after the end')
        }
      })()
      for (let count = 0; count < turn; count++) await later()
      assert.equal(await other!.remove(name), 'removed')
      isRemoved = true
      await updating
      assert.equal(await store!.read(name), null)
    }
  },

  async 'what one store has written, another reads at once' (bench) {
    const [one, other] = await bench.stores(2)
    const { name, version } = await newSession(one!)
    let last = version
    for (let turn = 0; turn < UPDATES; turn++) {
      const [writer, reader] = turn % 2 === 0 ? [one!, other!] : [other!, one!]
      await reader.read(name)
      last = replaced(await writer.replace(name, { text: textOf(turn) }, last))
      assert.equal((await readLive(reader, name)).text, textOf(turn))
    }
  }
})

/** Starts two calls at once, the first one first or last, and returns their answers. */
async function inOrder<A, B> ([one, other]: [() => Promise<A>, () => Promise<B>], isFirst: boolean): Promise<[A, B]> {
  if (isFirst) return await Promise.all([one(), other()])
  const answer = other()
  return await Promise.all([one(), answer])
}

/** Adds one to the session's value. Returns false when the session has ended. */
async function increment (store: RecordStore, name: string): Promise<boolean> {
  for (;;) {
    const session = await store.read(name)
    if (session === null) return false
    const { result } = await store.replace(name, { text: textOf(valueOf(session) + 1) }, session.version)
    if (result !== 'conflict') return result === 'replaced'
  }
}

function valueOf ({ text }: StoredSession): number {
  return (JSON.parse(text) as { value: number }).value
}
