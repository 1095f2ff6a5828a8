import t from 'tap'
import { removeLeftovers, type Leftover } from '../../lib/session/leftovers'
import type { Committer } from '../../lib/session/commit'
import type { SessionKey } from '../../lib/session/opened-session'
import type { StoredSession } from '../../lib/store/session-record'
import { MemoryStore } from '../support/map-store'

function leftover (name: string, aside?: string): Leftover {
  return { key: { sesid: `id of ${name}`, name }, setAside: aside !== undefined, version: aside, stored: null }
}

/** What ends sessions: those with a name in `gone` have ended before. */
function begin () {
  const calls: unknown[][] = []
  const gone = new Set<string>()
  const failing = new Set<string>()
  const note = (verb: string, name: string, ...more: unknown[]): void => {
    calls.push([verb, name, ...more])
    if (failing.has(name)) throw new Error(`${name} cannot be ended`)
  }
  const store = new MemoryStore()
  store.setAside = async (name, version) => { note('set aside', name, version) }
  const end = async (key: SessionKey, known: StoredSession | null): Promise<SessionKey | null> => {
    note('end', key.name, known)
    return gone.has(key.name) ? null : key
  }
  const ended: string[] = []
  const remove = (leftovers: Leftover[]): Promise<void> => removeLeftovers(leftovers, { store, committer: { end } as Committer }, name => { ended.push(name) })
  return { calls, gone, failing, ended, remove }
}

t.test('each is removed or set aside in its turn, and the caller is told which it has removed', async t => {
  const { calls, gone, ended, remove } = begin()
  const stored = { text: '{}', version: '7' } as StoredSession
  gone.add('two')
  const leftovers = [{ ...leftover('one'), stored }, leftover('two'), leftover('three', '3'), leftover('four')]
  await remove(leftovers)
  t.strictSame(calls, [['end', 'one', stored], ['end', 'two', null], ['set aside', 'three', '3'], ['end', 'four', null]])
  t.strictSame(ended, ['one', 'four'], 'neither one that another request has ended, nor one that is set aside')
  t.strictSame(leftovers, [])
  await remove(leftovers)
  t.equal(calls.length, 4)
})

t.test('what fails stays on the list, and is tried again', async t => {
  for (const aside of [undefined, '3']) {
    const { failing, ended, remove } = begin()
    const leftovers = [leftover('one'), leftover('two', aside), leftover('three')]
    failing.add('two')
    for (let times = 0; times < 2; times++) await t.rejects(remove(leftovers), { message: 'two cannot be ended' })
    t.strictSame(leftovers.map(({ key }) => key.name), ['two', 'three'])
    failing.clear()
    await remove(leftovers)
    t.strictSame(ended, aside === undefined ? ['one', 'two', 'three'] : ['one', 'three'])
  }
})

t.test('one that is left while others are removed is removed as well', async t => {
  const { ended, remove, calls } = begin()
  const leftovers = [leftover('one')]
  const removed = remove(leftovers)
  leftovers.push(leftover('two'))
  await removed
  t.strictSame(ended, ['one', 'two'])
  t.equal(calls.length, 2)
})
