import { inspect } from 'node:util'
import t from 'tap'
import { decode, encode, SessionText, type SessionCodec } from '../../lib/session/codec'
import { SessionManager } from '../../lib/session/session-manager'
import { MemoryStore } from '../support/map-store'
import { json } from '../support/visits'

t.test('a codec that does not make text stops the start', async t => {
  for (const encode of [() => 5, async () => '{}', () => undefined]) {
    const codec = { ...json, encode: encode as unknown as SessionCodec['encode'] }
    t.throws(() => new SessionManager(new MemoryStore(), { codec, rolling: true }), { name: 'SessionError', code: 'SESSION_CODEC', message: /codec\.encode/ })
  }
})

t.test('data that the codec cannot encode: nothing of them is quoted', async t => {
  const circle: Record<string, unknown> = { secret: 1 }
  circle['self'] = circle
  for (const data of [circle, { secret: 1n }]) {
    try {
      encode(json, data)
      t.fail('JSON has no such thing')
    } catch (error) {
      t.match(error, { name: 'SessionError', code: 'SESSION_CODEC', message: /encoded \(TypeError: .* BigInt/, cause: undefined })
      t.notMatch(inspect(error, { depth: 9, showHidden: true }), /secret/)
    }
  }
})

t.test('a text whose decoded form is no plain object, or that cannot be decoded', async t => {
  for (const answer of [null, undefined, [], 'text', 5, new Map(), new Date(), () => ({})]) {
    const codec = { ...json, decode: () => answer as unknown as Record<string, unknown> }
    t.throws(() => decode(codec, 'x'), { name: 'SessionError', code: 'SESSION_UNDECODABLE', message: /\(it is not an object\)/ })
  }
  t.throws(() => decode({ ...json, decode: () => { throw new TypeError('no') } }, 'x'), { code: 'SESSION_UNDECODABLE', message: /\(TypeError\)/ })
  t.throws(() => decode({ ...json, decode: () => { throw 'no' } }, 'x'), { code: 'SESSION_UNDECODABLE', message: /\(string\)/ }) // eslint-disable-line no-throw-literal
  try {
    decode(json, '{"password":"secret')
    t.fail('this is no JSON')
  } catch (error) {
    t.notMatch(inspect(error, { depth: 9, showHidden: true }), /password|secret/, 'parsers quote what they read: none of it may get into a log')
  }
  const bare = Object.assign(Object.create(null), { a: 1 }) as Record<string, unknown>
  t.equal(decode({ ...json, decode: () => bare }, 'x'), bare)
})

t.test('a session that no request has filled is empty for any codec', async t => {
  t.strictSame(decode({ ...json, decode: () => { throw new TypeError('no') } }, ''), {})
})

t.test('two texts of a codec that never makes the same one twice', async t => {
  let salt = 0
  const text = new SessionText({
    encode: data => `${++salt} ${JSON.stringify(data)}`,
    decode: text => JSON.parse(text.slice(text.indexOf(' '))) as Record<string, unknown>
  })
  t.equal(text.isSame(text.encode({ a: 1, b: 1 }), text.encode({ b: 1, a: 1 })), true)
  t.equal(text.isSame(text.encode({ a: 1 }), text.encode({ a: 2 })), false)
  t.equal(text.isSame(text.empty, text.encode({})), true)
})

t.test('of a codec that does, texts are compared and not decoded', async t => {
  const text = new SessionText({ ...json, decode: () => { throw new Error('no') } })
  t.equal(text.isSame('{"a":1}', '{"a":1}'), true)
  t.equal(text.isSame('{"a":1}', '{"a":2}'), false)
})
