import t from 'tap'
import { attributesOf, checkAttributes, checkPrefix, type SessionCookieOptions } from '../../lib/session/cookie-options'
import { refusesOption } from '../support/refused-option'

const named = (attribute: string): string => `cookie.${attribute}`

const GOOD: { [Name in keyof SessionCookieOptions]: Array<SessionCookieOptions[Name]> } = {
  domain: ['example.org', '.example.org', 'localhost', 'a-b.example.co.uk'],
  expires: [new Date(0)],
  httpOnly: [true, false],
  partitioned: [true, false],
  path: ['/', '/app', '/a b=c'],
  priority: ['low', 'medium', 'high'],
  sameSite: [true, false, 'lax', 'strict', 'none', 'Strict' as 'strict'],
  secure: [true, false, 'auto'],
  signed: [true, false]
}
const BAD: { [Name in keyof SessionCookieOptions]: unknown[] } = {
  domain: [7, null, '', 'example.org; Secure', 'example..org', '-a.org', 'münchen.example'],
  expires: [0, '2026-01-01', new Date(NaN), null],
  httpOnly: ['yes', 1, null],
  partitioned: ['yes', 1, null],
  path: [7, null, '', 'app', './app', 'https://example.org/app', '/app; Domain=example.org', '/ü', '/a\n'],
  priority: ['', 'urgent', null],
  sameSite: ['laxx', '', 1, null],
  secure: ['yes', 1, null],
  signed: ['yes', 1, null]
}

t.test('values that a cookie can have, and others, which name their attribute', async t => {
  checkAttributes({}, named)
  for (const [name, values] of Object.entries(GOOD)) for (const value of values) checkAttributes({ [name]: value }, named)
  for (const [name, values] of Object.entries(BAD)) {
    for (const value of values) refusesOption(t, () => { checkAttributes({ [name]: value } as SessionCookieOptions, named) }, `cookie.${name}`)
  }
})

t.test('a prefix of the name has rules for what is given', async t => {
  t.equal(checkPrefix('sid', { secure: false, domain: 'example.org', path: '/app' }, named), false)
  for (const appid of ['__Host-sid', '__host-sid']) {
    t.equal(checkPrefix(appid, {}, named), true)
    t.equal(checkPrefix(appid, { secure: 'auto', path: '/' }, named), true)
    refusesOption(t, () => checkPrefix(appid, { secure: false }, named), 'cookie.secure')
    refusesOption(t, () => checkPrefix(appid, { domain: 'example.org' }, named), 'cookie.domain')
    refusesOption(t, () => checkPrefix(appid, { path: '/app' }, named), 'cookie.path')
  }
  t.equal(checkPrefix('__SECURE-sid', { domain: 'example.org', path: '/app' }, named), true)
  refusesOption(t, () => checkPrefix('__Secure-sid', { secure: false }, named), 'cookie.secure')
})

t.test('the attributes of one session: no other names, nothing that is undefined, nothing that a cookie cannot have', async t => {
  const options = { path: '/a', sameSite: 'strict', secure: undefined, httpOnly: undefined, maxAge: 5, signed: true, encode: String, key: 'a' }
  t.strictSame(attributesOf(options as unknown as SessionCookieOptions, 'sid'), { path: '/a', sameSite: 'strict' })
  refusesOption(t, () => attributesOf({ sameSite: 'bogus' as 'lax' }, 'sid'), 'sameSite of session.options')
  refusesOption(t, () => attributesOf({ path: '/a' }, '__Host-sid'), 'path of session.options')
  t.strictSame(attributesOf({ path: '/a' }, 'sid'), { path: '/a' })
})
