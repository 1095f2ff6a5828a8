import t from 'tap'
import {
  appidOf, asidePath, checkPath, directoryName, importMemoryPath, isImportMemory, isSessionName, isToken, kindInDirectory, kindInShard,
  lockPath, newToken, probePath, sessionPath, setAsideAt, shardPath, stagingPath
} from '../../../lib/store/files/file-names'
import fc from '../../support/fast-check'

const NAME = 'ab'.repeat(32)

t.test('an appid\'s directory is named by the appid, percent-encoded', async t => {
  t.equal(directoryName('sid'), 'sid')
  t.equal(directoryName('my_app-2'), 'my_app-2')
  t.equal(directoryName('Sid'), '%53id')
  t.equal(directoryName('.'), '%2e')
  t.equal(directoryName('..'), '%2e%2e')
  t.equal(directoryName('a.b'), 'a%2eb')
  t.equal(directoryName('%2e'), '%252e')
  t.equal(directoryName('__Host-sid'), '__%48ost-sid')
  for (const device of ['con', 'prn', 'aux', 'nul', 'com1', 'lpt9']) {
    t.equal(directoryName(device), `%${device.charCodeAt(0).toString(16)}${device.slice(1)}`, 'Windows keeps such a name for a device')
  }
  t.equal(directoryName('nul.txt'), 'nul%2etxt')
  t.equal(directoryName('console'), 'console')
  t.equal(directoryName('!#$%&\'*+-.^_`|~'), '%21%23%24%25%26%27%2a%2b-%2e%5e_%60%7c%7e')
})

t.test('a directory\'s name says the appid', async t => {
  for (const appid of ['sid', 'Sid', '..', 'a%2eb', '__Host-sid', 'con', 'CON', 'com1']) t.equal(appidOf(directoryName(appid)), appid)
  for (const name of ['', 'Sid', '.', 'a.b', '%', '%2', '%2E', '%61', 'con', '%63']) t.equal(appidOf(name), null, `'${name}' is no appid's`)
})

t.test('no two appids share a name, not even where case does not count', async t => {
  const appid = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,8}$/)
  fc.assert(fc.property(appid, appid, (one, other) => {
    const [first, second] = [directoryName(one), directoryName(other)]
    return /^[a-z0-9_%-]+$/.test(first) && (first.toLowerCase() === second.toLowerCase()) === (one === other)
  }))
  t.not(directoryName('sid').toLowerCase(), directoryName('SID').toLowerCase())
})

t.test('every name that is made is known again', async t => {
  const session = sessionPath('/d', NAME)
  t.equal(session, `/d/ab/${NAME.slice(2)}`)
  t.equal(shardPath('/d', NAME), '/d/ab')
  const token = newToken()
  t.ok(isToken(token))
  t.not(newToken(), token)
  const last = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
  for (const appid of ['sid', '__Host-sid']) t.ok(isImportMemory(last(importMemoryPath('/d', appid))))
  for (const other of ['.imported-', '.imported-Sid', 'imported-sid', 'sid']) t.notOk(isImportMemory(other), other)
  t.ok(isSessionName(last(session)))
  t.equal(kindInShard(last(session), false), 'session')
  t.equal(kindInShard(last(lockPath(session)), true), 'lock')
  for (const isDirectory of [true, false]) t.equal(kindInShard(last(stagingPath(session, token)), isDirectory), 'staging')
  t.equal(kindInShard(last(asidePath(session, 1700000000000)), false), 'setAside')
  t.equal(setAsideAt(last(asidePath(session, 1700000000000))), 1700000000000)
  t.equal(kindInDirectory(last(shardPath('/d', NAME)), true), 'shard')
  t.equal(kindInDirectory(last(checkPath('/d')), false), 'check')
  t.equal(kindInDirectory(last(probePath('/d')), true), 'probe')
  t.not(checkPath('/d'), checkPath('/d'))
})

t.test('a file is not taken for a directory, nor a directory for a file', async t => {
  const digits = NAME.slice(2)
  for (const name of [digits, `${digits}.5.aside`]) t.equal(kindInShard(name, true), 'foreign')
  t.equal(kindInShard(`${digits}.lock`, false), 'foreign')
  t.equal(kindInDirectory('ab', false), 'foreign')
  t.equal(kindInDirectory('check.0123456789abcdef.tmp', true), 'foreign')
  t.equal(kindInDirectory('probe.0123456789abcdef.tmp', false), 'foreign')
})
