import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import fc from 'fast-check'
import { SessionFileError } from '../../../lib/errors'
import { appidOf, directoryName, makePrivateDirectory } from '../../../lib/store/files/session-directory'

function mode (path: string): number {
  return statSync(path).mode & 0o7777
}

t.test('the name of an appid\'s directory', async t => {
  t.equal(directoryName('sid'), 'sid')
  t.equal(directoryName('my_app-2'), 'my_app-2')
  t.equal(directoryName('Sid'), '%53id')
  t.equal(directoryName('.'), '%2e')
  t.equal(directoryName('..'), '%2e%2e')
  t.equal(directoryName('a.b'), 'a%2eb')
  t.equal(directoryName('%2e'), '%252e')
  t.equal(directoryName('__Host-sid'), '__%48ost-sid')
  t.equal(directoryName('!#$%&\'*+-.^_`|~'), '%21%23%24%25%26%27%2a%2b-%2e%5e_%60%7c%7e')
})

t.test('the appid of a directory\'s name', async t => {
  for (const appid of ['sid', 'Sid', '..', 'a%2eb', '__Host-sid']) t.equal(appidOf(directoryName(appid)), appid)
  for (const name of ['', 'Sid', '.', 'a.b', '%', '%2', '%2E', '%61']) t.equal(appidOf(name), null, `'${name}' is no appid's`)
})

t.test('no two appids share a name, not even where case does not count', async t => {
  const appid = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,8}$/)
  fc.assert(fc.property(appid, appid, (one, other) => {
    const [first, second] = [directoryName(one), directoryName(other)]
    return /^[a-z0-9_%-]+$/.test(first) && (first.toLowerCase() === second.toLowerCase()) === (one === other)
  }))
  t.not(directoryName('sid').toLowerCase(), directoryName('SID').toLowerCase())
})

t.test('a directory is made for this user alone, and so are those above it', async t => {
  const top = join(t.testdir(), 'one')
  await makePrivateDirectory(join(top, 'two', 'three'), false)
  for (const path of [top, join(top, 'two'), join(top, 'two', 'three')]) t.equal(mode(path), 0o700)
  await makePrivateDirectory(join(top, 'two', 'three'), false)
  t.equal(mode(top), 0o700, 'and again is no error')
})

t.test('with durability fsync, new directories are synced up to the first that was there', async t => {
  const dir = t.testdir()
  await makePrivateDirectory(join(dir, 'one', 'two'), true)
  t.equal(mode(join(dir, 'one', 'two')), 0o700)
  await makePrivateDirectory(join(dir, 'one', 'two'), true)
})

t.test('a path that leads back up again', async t => {
  const dir = t.testdir({ start: {} })
  const expected = join(dir, 'other')
  await makePrivateDirectory(`${dir}/start/one/two/../../../other`, true)
  t.equal(mode(expected), 0o700)
  t.throws(() => statSync(join(dir, 'start', 'one')), { code: 'ENOENT' }, 'what the path only passes through is not made')
})

t.test('a directory that is there already keeps its mode, if others cannot enter', async t => {
  for (const right of [0o700, 0o770, 0o750, 0o2770]) {
    const path = join(t.testdir(), 'sessions')
    mkdirSync(path)
    chmodSync(path, right)
    await makePrivateDirectory(path, false)
    t.equal(mode(path), right)
  }
})

t.test('a directory that is open to others is refused, and the message says what to do', async t => {
  for (const wrong of [0o701, 0o702, 0o704, 0o755, 0o777, 0o1777]) {
    const path = join(t.testdir(), 'sessions')
    mkdirSync(path)
    chmodSync(path, wrong)
    const refused = makePrivateDirectory(path, false)
    await t.rejects(refused, SessionFileError)
    await t.rejects(refused, { code: 'SESSION_FILE', message: `others may use the session directory ${path}: run chmod 700 ${path}` })
    chmodSync(path, 0o700)
    await makePrivateDirectory(path, false)
  }
})

t.test('a file stands where the directory should be, or one above it', async t => {
  const file = join(t.testdir(), 'file')
  writeFileSync(file, '')
  await t.rejects(makePrivateDirectory(file, false), { code: 'SESSION_FILE', message: /file: EEXIST; .*move it away/, cause: { code: 'EEXIST' } })
  await t.rejects(makePrivateDirectory(join(file, 'sub'), true), { code: 'SESSION_FILE', message: /ENOTDIR; .*move it away/, cause: { code: 'ENOTDIR' } })
})
