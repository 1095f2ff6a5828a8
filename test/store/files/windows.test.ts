import t from 'tap'
import { probeDirectory } from '../../../lib/store/files/disk-probe'
import { fileStoreOptions } from '../../../lib/store/files/options'
import { windowsPlatform } from '../../../lib/store/files/platform'
import { profileWarnings, volumeOf, windowsPath } from '../../../lib/store/files/windows'
import { localDisk } from '../../../lib/store/files/local-disk'
import { privateDirectory } from '../../support/session-files'

const asNamed = { realpath: async (path: string) => path }

t.test('a path loses the mark of a long one, for Node sets it itself', async t => {
  const paths: Array<[string, string]> = [
    ['C:\\app\\sessions', 'C:\\app\\sessions'],
    ['\\\\?\\C:\\app\\sessions', 'C:\\app\\sessions'],
    ['C:/app/../sessions', 'C:\\sessions'],
    ['\\\\?\\UNC\\host\\share\\sessions', '\\\\host\\share\\sessions'],
    ['\\\\?\\unc\\host\\share\\sessions', '\\\\host\\share\\sessions'],
    ['//?/C:/app/sessions', 'C:\\app\\sessions'],
    ['\\\\.\\C:\\app\\sessions', 'C:\\app\\sessions'],
    // Not a directory below the working directory.
    ['\\\\?\\Volume{4c1b02c1}\\sessions', '\\\\?\\Volume{4c1b02c1}\\sessions']
  ]
  for (const [given, path] of paths) t.equal(windowsPath(given), path)
  t.equal(fileStoreOptions({ sessionDir: '\\\\?\\C:\\sessions' }, windowsPlatform).sessionDir, 'C:\\sessions')
})

t.test('durability fsync is refused, for directories cannot be synced there', async t => {
  t.equal(fileStoreOptions({ durability: 'os' }, windowsPlatform).durability, 'os')
  t.throws(() => fileStoreOptions({ durability: 'fsync' }, windowsPlatform), {
    code: 'SESSION_OPTION', message: /durability must be 'os' on Windows, which cannot make the entries of a directory survive a power loss/
  })
})

t.test('a share of another machine is refused, also behind a drive letter; a local volume is tried out', async t => {
  t.strictSame(await volumeOf('C:\\sessions', asNamed), { name: 'a local volume' })
  t.strictSame(await volumeOf('\\\\host\\share\\sessions', asNamed), { name: 'smb' })
  const mapped = await volumeOf('Z:\\sessions', { realpath: async () => '\\\\?\\UNC\\host\\share\\sessions' })
  t.strictSame(mapped, { name: 'smb' })
  const directory = privateDirectory(t)
  // The volume here may number its files as it likes.
  const windows = { ...windowsPlatform, numbersFilesOnce: false }
  const onShare = { ...windows, fileSystemOf: async () => mapped }
  await t.rejects(probeDirectory(directory, { durable: false, allowUnsafe: false }, localDisk, undefined, onShare), {
    message: /\(smb\) cannot keep sessions safe: machines that share it do not see each other's changes at once\. Choose a sessionDir on a local disk/
  })
  t.strictSame(await probeDirectory(directory, { durable: false, allowUnsafe: false }, localDisk, undefined, windows), [])
  const withoutLinks = { ...localDisk, link: async () => { throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' }) } }
  await t.rejects(probeDirectory(directory, { durable: false, allowUnsafe: false }, withoutLinks, undefined, windows), {
    message: /\(a local volume\) cannot keep sessions safe: it has no hard links/
  }, 'as on FAT')
})

t.test('a directory outside of the user\'s profile is named to the operator, with what to do', async t => {
  const profile = 'C:\\Users\\Ann'
  for (const inside of ['C:\\Users\\Ann\\app\\sessions', 'c:\\users\\ann\\sessions', '\\\\?\\C:\\Users\\Ann\\AppData\\Local\\Temp\\x']) {
    t.strictSame(await profileWarnings(inside, asNamed, profile), [], inside)
  }
  for (const outside of ['C:\\app\\sessions', 'D:\\Users\\Ann\\sessions', 'C:\\Users', 'C:\\Users\\Anna\\sessions', profile]) {
    const [warning, ...more] = await profileWarnings(outside, asNamed, profile)
    t.match(warning, /is outside of the profile of this user, C:\\Users\\Ann: other users of this machine may be able to read it/, outside)
    t.ok(warning?.includes(`run icacls "${outside}" /inheritance:r /grant:r "%USERNAME%:(OI)(CI)F"`))
    t.strictSame(more, [])
  }
})
