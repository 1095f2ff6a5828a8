import t from 'tap'
import { cookieOptions, isSameSiteNone, prefixedCookie } from '../../lib/plugin/cookie-rules'
import type { SessionCookieOptions } from '../../lib/session/cookie-options'
import { refusesOption } from '../support/refused-option'

const BAD_COOKIE_OPTIONS: Record<string, unknown[]> = {
  maxage: [60],
  encode: [String],
  maxAge: [0, -1, NaN, '60', 2 ** 32, 1e300],
  expires: [new Date()],
  secure: ['yes', 1, null],
  httpOnly: ['yes', 1, null],
  signed: ['yes', 1, null],
  partitioned: ['yes', 1, null],
  path: [7, null, '', 'app', './app', 'https://example.org/app'],
  domain: [7, null],
  sameSite: ['laxx', '', 1, null]
}

t.test('the defaults, and what is given beside them', async t => {
  t.strictSame(cookieOptions(), { path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto' })
  t.strictSame(cookieOptions({ maxAge: 60, domain: 'example.org', sameSite: 'none', secure: true, partitioned: true, priority: 'high', signed: true }),
    { path: '/', httpOnly: true, maxAge: 60, domain: 'example.org', sameSite: 'none', secure: true, partitioned: true, priority: 'high', signed: true })
  for (const wrong of [null, 7, 'secure']) refusesOption(t, () => cookieOptions(wrong as unknown as SessionCookieOptions), 'cookie')
})

t.test('a cookie option that is undefined puts no default away', async t => {
  const none = { path: undefined, httpOnly: undefined, sameSite: undefined, secure: undefined, maxAge: undefined, domain: undefined }
  t.strictSame(cookieOptions(none as unknown as SessionCookieOptions),
    { path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto' })
  for (const sameSite of [true, false, 'Strict'] as const) {
    t.equal(cookieOptions({ sameSite: sameSite as true }).sameSite, sameSite)
  }
})

t.test('bad options name themselves', async t => {
  for (const [name, values] of Object.entries(BAD_COOKIE_OPTIONS)) {
    for (const value of values) refusesOption(t, () => cookieOptions({ [name]: value } as SessionCookieOptions), `cookie.${name}`)
  }
  refusesOption(t, () => cookieOptions({ sameSite: 'none', secure: false }), 'cookie.sameSite')
  refusesOption(t, () => cookieOptions({ sameSite: 'None' as 'none', secure: false }), 'cookie.sameSite')
  refusesOption(t, () => cookieOptions({ partitioned: true, secure: false }), 'cookie.partitioned')
  t.strictSame(['none', 'None', 'lax', true, undefined].map(isSameSiteNone), [true, true, false, false, false])
})

t.test('cookie prefixes ask for what browsers ask for', async t => {
  const cookie = { path: '/', httpOnly: true, secure: 'auto' as const }
  t.equal(prefixedCookie('sid', cookie), cookie)
  for (const appid of ['__Host-sid', '__host-sid', '__Secure-sid', '__SECURE-sid']) {
    t.strictSame(prefixedCookie(appid, cookie), { ...cookie, secure: true })
    refusesOption(t, () => prefixedCookie(appid, { ...cookie, secure: false }), 'cookie.secure')
  }
  refusesOption(t, () => prefixedCookie('__Host-sid', { ...cookie, domain: 'example.org' }), 'cookie.domain')
  refusesOption(t, () => prefixedCookie('__Host-sid', { ...cookie, path: '/app' }), 'cookie.path')
  t.match(prefixedCookie('__Secure-sid', { ...cookie, domain: 'example.org', path: '/app' }), { domain: 'example.org', path: '/app' })
})
