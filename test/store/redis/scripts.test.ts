import t from 'tap'
import { CONFLICT, CREATE, DONE, GONE, READ, REMOVE, REPLACE, REPLACE_UNUSED, SET_ASIDE, TOUCH, TRIAL, UNKNOWN } from '../../../lib/store/redis/scripts'
import type { Script } from '../../../lib/store/redis/script'
import { isDamaged, storedValue, type StoredValue } from '../../../lib/store/redis/stored-value'
import { redisIsMissing } from '../../support/redis-server'
import { scriptsOn, type ScriptCall } from '../../support/redis-scripts'

const LIMITS = { idleTimeout: 1000, absoluteTimeout: undefined }
const HOUR = 3_600_000

t.test('what the scripts do to a key', { skip: redisIsMissing }, async t => {
  const { redis, run } = await scriptsOn(t)
  let ids = 0
  /** Returns an id of a record: those of one writer begin alike. */
  const newId = (writer = 'wxyz'): string => `${writer}${String(++ids).padStart(7, '0')}-----`
  const once = async (script: Script, call: ScriptCall, isRepeated = false): Promise<unknown> => (await run(script, [call], { isRepeated }))[2]
  const read = async (key: string) => {
    const [now, , value] = await run(READ, [key])
    return value === null ? null : storedValue(String(value), Number(now), LIMITS)
  }
  /** Makes a session and returns its version. */
  const made = async (key: string, words = '0 - -'): Promise<string> => {
    const id = newId()
    t.equal(await once(CREATE, { key, id, words, text: 'first' }), DONE)
    return id
  }

  t.test('create makes a session, unless one lives there', async t => {
    const id = await made('a', `60 1000 ${Date.now() - 90_000}`)
    t.equal(await read('a'), null, 'it was last used long ago')
    t.equal(await once(CREATE, { key: 'a', id: newId(), text: 'second' }), DONE, 'what has expired is no obstacle')
    t.match(await read('a'), { text: 'second', idleTimeout: 0 })
    t.equal(await once(CREATE, { key: 'a', id: newId(), text: 'third' }), CONFLICT)
    const last = newId()
    t.equal(await once(REMOVE, { key: 'a', id: last }), DONE)
    t.equal(await once(CREATE, { key: 'a', id, text: 'again' }), DONE, 'a repeated call is recognised by its id')
    t.equal(await read('a'), null, 'and is not carried out twice')
    t.equal(await once(CREATE, { key: 'a', id: newId(), words: `0 ${8e12} ${8e12}`, text: 'new' }), DONE)
    const session = await read('a')
    t.ok(session !== null && session.createdAt <= session.now && session.lastAccess <= session.now, 'no time is ahead of the clock')
  })

  t.test('replace stores the record at its version only', async t => {
    const first = await made('b', '60 - -')
    const second = newId()
    t.equal(await once(REPLACE, { key: 'b', id: second, words: `0 - ${first}`, text: 'second' }), DONE)
    t.match(await read('b'), { text: 'second', version: second, idleTimeout: 0 })
    t.equal(await once(REPLACE, { key: 'b', id: newId(), words: `0 - ${first}`, text: 'stale' }), CONFLICT)
    t.equal(await once(REPLACE, { key: 'none', id: newId(), words: `0 - ${first}` }), GONE)
    const third = newId()
    await once(REPLACE, { key: 'b', id: third, words: `0 - ${second}`, text: 'third' })
    t.equal(await once(REPLACE, { key: 'b', id: second, words: `0 - ${first}`, text: 'second' }, true), DONE, 'a repeated call is recognised after others')
    t.match(await read('b'), { text: 'third', version: third })
  })

  t.test('a repeated call of a writer whose earlier ids may be forgotten is not known', async t => {
    let version = await made('c')
    const first = version
    for (let count = 0; count < 6; count++) {
      const id = newId()
      await once(REPLACE, { key: 'c', id, words: `0 - ${version}` })
      version = id
    }
    t.equal(await once(REPLACE, { key: 'c', id: newId(), words: `0 - ${first}` }, true), UNKNOWN)
    t.equal(await once(REPLACE, { key: 'c', id: newId('abcd'), words: `0 - ${first}` }, true), CONFLICT, 'another writer waits for its answers')
    t.equal(await once(REPLACE, { key: 'c', id: newId(), words: `0 - ${first}` }), CONFLICT)
  })

  t.test('replace is use, unless it is said not to be; touch is', async t => {
    const createdAt = Date.now() - HOUR
    const access = Date.now() - 500_000
    const version = await made('d', `0 ${createdAt} ${access}`)
    const next = newId()
    t.equal(await once(REPLACE_UNUSED, { key: 'd', id: next, words: `0 - ${version}`, text: 'next' }), DONE)
    t.match(await read('d'), { text: 'next', createdAt, lastAccess: access })
    t.equal(await once(TOUCH, { key: 'd' }), DONE)
    const touched = await read('d')
    t.match(touched, { text: 'next', version: next, createdAt })
    t.ok(touched !== null && touched.lastAccess > access)
    t.ok(Number(await redis('PTTL', 'd')) > 1_000_000, 'for the grace after its end the key stays')
    t.equal(await once(REPLACE, { key: 'd', id: newId(), words: `0 5000 ${next}` }), DONE)
    t.match(await read('d'), { createdAt: 5000 })
    t.equal(await once(TOUCH, { key: 'none' }), GONE)
  })

  t.test('remove ends a session at its version, or at any, for good', async t => {
    const version = await made('e')
    t.equal(await once(REMOVE, { key: 'e', id: newId(), words: '0 - another' }), CONFLICT)
    const id = newId()
    t.equal(await once(REMOVE, { key: 'e', id, words: `0 - ${version}` }), DONE)
    t.equal(await read('e'), null)
    t.equal(await once(REMOVE, { key: 'e', id: newId() }), GONE)
    t.equal(await once(REMOVE, { key: 'e', id }, true), DONE, 'the caller that has removed it is told so again')
    t.equal(await once(REPLACE, { key: 'e', id: newId(), words: `0 - ${version}` }), GONE)
    t.equal(await once(TOUCH, { key: 'e' }), GONE)
    await made('e')
    t.equal(await once(REMOVE, { key: 'e', id: newId() }), DONE)
  })

  t.test('for a minute after its end a session is still found by what saves, touches and removes', async t => {
    const minuteAgo = (seconds: number): string => `0 - ${Date.now() - seconds * 1000}`
    for (const [seconds, outcome] of [[1030, DONE], [1090, GONE]] as const) {
      const versions = [await made('f', minuteAgo(seconds)), await made('g', minuteAgo(seconds))]
      await made('h', minuteAgo(seconds))
      t.equal(await read('f'), null)
      t.strictSame([
        await once(REPLACE, { key: 'f', id: newId(), words: `0 - ${versions[0]}` }), await once(REMOVE, { key: 'g', id: newId(), words: `0 - ${versions[1]}` }), await once(TOUCH, { key: 'h' })
      ], [outcome, outcome, outcome])
      await redis('DEL', 'f', 'g', 'h')
    }
  })

  t.test('what is set aside keeps its bytes under another key, for a week', async t => {
    const version = await made('i')
    const value = await redis('GET', 'i')
    t.equal(await once(SET_ASIDE, { key: 'i', otherKey: 'i:aside', id: newId(), words: '0 - another' }), CONFLICT)
    t.equal(await once(SET_ASIDE, { key: 'i', otherKey: 'i:aside', id: newId(), words: `0 - ${version}` }), DONE)
    t.equal(await redis('GET', 'i:aside'), value)
    t.ok(Math.abs(Number(await redis('PTTL', 'i:aside')) - 7 * 24 * HOUR) < HOUR)
    t.equal(await read('i'), null)
    t.equal(await once(SET_ASIDE, { key: 'i', otherKey: 'i:other', id: newId() }), GONE)
  })

  t.test('a damaged session is read as one, and removed or set aside by those that do not ask for a version', async t => {
    const version = await made('j')
    await redis('SETRANGE', 'j', '5', 'x')
    t.ok(isDamaged(await read('j') as StoredValue))
    await redis('SET', 'cut', 'S')
    t.ok(isDamaged(await read('cut') as StoredValue))
    t.equal(await once(REPLACE, { key: 'j', id: newId(), words: `0 - ${version}` }), GONE)
    t.equal(await once(REMOVE, { key: 'j', id: newId(), words: `0 - ${version}` }), CONFLICT)
    t.equal(await once(REMOVE, { key: 'j', id: newId(), words: '0 - ?' }), DONE)
    t.equal(await read('j'), null)
  })

  t.test('the trial does all of it, and leaves nothing behind', async t => {
    await redis('FLUSHALL')
    t.strictSame((await run(TRIAL, ['trial', 'trial:aside'])).slice(2), [DONE])
    t.strictSame(await redis('KEYS', '*'), [])
  })
})
