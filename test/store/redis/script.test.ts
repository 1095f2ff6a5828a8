import { createHash } from 'node:crypto'
import t from 'tap'
import { changing, reading, REFUSAL, script } from '../../../lib/store/redis/script'
import { redisIsMissing } from '../../support/redis-server'
import { scriptsOn } from '../../support/redis-scripts'

t.test('the server keeps a script under its hash', async t => {
  const made = script('return answers', true)
  t.equal(made.sha, createHash('sha1').update(made.text).digest('hex'))
  t.strictSame([made.waits, reading('').waits, changing('').waits, changing('', { waits: false }).waits], [true, false, true, false])
})

t.test('how scripts answer', { skip: redisIsMissing }, async t => {
  const { redis, run } = await scriptsOn(t)

  t.test('an answer begins with the clock of the server and the number of the command', async t => {
    const [now, number, ...rest] = await run(script('return answers', false), [])
    t.ok(Math.abs(Number(now) - Date.now()) < 60_000)
    t.strictSame([number, rest], [7, []])
  })

  t.test('a reading script answers for each key', async t => {
    await redis('SET', 'a', 'of a')
    t.strictSame((await run(reading("return redis.call('GET', KEYS[number])"), ['a', 'none', 'a'])).slice(2), ['of a', null, 'of a'])
  })

  t.test('a changing script does its work for each call, with what each is told', async t => {
    const echo = changing("redis.call('SET', key, text) return id .. ' ' .. newIdle .. ' ' .. newCreated .. ' ' .. other")
    t.strictSame((await run(echo, [{ key: 'b', id: 'one', words: '1 2 3', text: 'of b' }, { key: 'c', id: 'two', words: '0 - -' }])).slice(2), ['one 1 2 3', 'two 0 - -'])
    t.strictSame([await redis('GET', 'b'), await redis('GET', 'c')], ['of b', ''])
    t.strictSame((await run(changing('return key .. aside', { keys: 2 }), [{ key: 'd', otherKey: 'e' }, { key: 'f', otherKey: 'g' }])).slice(2), ['de', 'fg'])
  })

  t.test('too late, it does nothing and answers with nothing', async t => {
    t.equal((await run(changing("redis.call('SET', key, 'late') return 1"), [{ key: 'late' }], { deadline: 1000 })).length, 2)
    t.equal(await redis('GET', 'late'), null)
  })

  t.test('a call that is refused says so in its place; if it is the first, the whole command fails', async t => {
    const refused = changing("if text == 'refuse' then return redis.call('NO-SUCH-COMMAND') end return 1")
    const [first, second] = (await run(refused, [{ key: 'a1' }, { key: 'a2', text: 'refuse' }])).slice(2)
    t.equal(first, 1)
    t.ok(String(second).startsWith(REFUSAL) && !String(second).startsWith(`${REFUSAL}${REFUSAL}`))
    await t.rejects(run(refused, [{ key: 'a1', text: 'refuse' }, { key: 'a2' }]))
    await redis('RPUSH', 'list', 'x')
    t.match((await run(refused, [{ key: 'list' }])).slice(2), [/^-WRONGTYPE/])
  })

  t.test('what another program or a newer version has written is not a session', async t => {
    for (const [value, refusal] of [['of another program', /^-FOREIGN/], ['S2...', /^-NEWER/], ['E9', /^-NEWER/]] as const) {
      await redis('SET', 'strange', value)
      t.match((await run(changing("redis.call('SET', key, 'changed') return 1"), [{ key: 'strange' }])).slice(2), [refusal])
      t.equal(await redis('GET', 'strange'), value)
    }
  })
})
