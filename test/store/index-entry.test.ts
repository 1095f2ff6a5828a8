import t from 'tap'
import { areTwins, DamagedList, decodeList, encodeList, isSameEntry, mayBeMarked, newLogin, originOf } from '../../lib/store/index-entry'
import { sessionHandle } from '../../lib/store/session-id'

t.test('a list is told from what is not one', async t => {
  const list = { label: 'user:x', entries: [{ handle: sessionHandle('0'.repeat(64)), login: 'l', at: 1, isEnded: true, about: undefined }, { handle: sessionHandle('1'.repeat(64)), login: 'm', at: 2, isEnded: false, about: '{}' }] }
  t.strictSame(decodeList(encodeList(list)), list)
  for (const text of ['', '{}', 'x']) t.throws(() => decodeList(text), { code: 'SESSION_INDEX', message: /damaged/ })
  t.throws(() => decodeList('[2,"user:x"]'), { code: 'SESSION_INDEX', message: /newer version/ })
})

t.test('a list with a handle that is none is damaged', async t => {
  const wrong = encodeList({ label: 'user:x', entries: [{ handle: 'not a handle', login: newLogin(0), at: 0, isEnded: false, about: undefined }] })
  t.throws(() => decodeList(wrong), DamagedList)
  for (const row of ['7', '"text"', '{}', '[]', `["${sessionHandle('0'.repeat(64))}",1,2,0]`, `["${sessionHandle('0'.repeat(64))}","l",2,0,7]`]) t.throws(() => decodeList(`[1,"user:x",${row}]`), DamagedList, row)
  t.throws(() => decodeList('[1,7]'), DamagedList)
})

t.test('only lists with a mark are decoded for that', t => {
  const entry = { handle: 'x', login: 'y', at: 11, isEnded: false, about: undefined }
  t.notOk(mayBeMarked(encodeList({ label: 'user:1', entries: [entry, { ...entry, about: 'z' }] })))
  t.ok(mayBeMarked(encodeList({ label: 'user:1', entries: [{ ...entry, isEnded: true }] })))
  t.ok(mayBeMarked(encodeList({ label: 'user:1', entries: [{ ...entry, isEnded: true, about: 'z' }, entry] })))
  t.end()
})

t.test('tags of logins sort by time, and no two are alike', async t => {
  const moments = [0, 1, 36 ** 5, Date.now(), Date.now() + 1, Date.UTC(5188, 0)]
  const tags = moments.map(moment => newLogin(moment))
  t.strictSame([...tags].sort(), tags)
  t.not(newLogin(5), newLogin(5))
})

t.test('logins that begin with one session are twins, and have one origin', async t => {
  const [one, twin, other, alone] = [newLogin(1, 'a session'), newLogin(2, 'a session'), newLogin(1, 'another'), newLogin(1)]
  t.strictSame([areTwins(one, twin), areTwins(one, one), areTwins(one, other), areTwins(one, alone), areTwins(alone, newLogin(1))], [true, false, false, false, false])
  t.equal(originOf(one), originOf(twin))
  t.equal(originOf(alone), alone)
  t.notOk(one.includes('session'))
})

t.test('an entry is of one session and one login', async t => {
  const entry = { handle: 'h', login: 'l', at: 1, isEnded: false, about: undefined }
  t.ok(isSameEntry(entry, { handle: 'h', login: 'l' }))
  t.notOk(isSameEntry(entry, { handle: 'h', login: 'm' }))
  t.notOk(isSameEntry(entry, { handle: 'i', login: 'l' }))
})
