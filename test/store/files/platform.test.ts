import { homedir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { localDisk } from '../../../lib/store/files/local-disk'
import { platform, platformOf, windowsPlatform } from '../../../lib/store/files/platform'
import { privateDirectory } from '../../support/session-files'

// What the tests make themselves is private as well.
process.umask(0o077)

t.test('each system has its platform', async t => {
  t.equal(platformOf('win32'), windowsPlatform)
  t.equal(platformOf('linux'), platformOf('darwin'))
  t.equal(platform, platformOf(process.platform))
})

t.test('what an operator is told to run is there', async t => {
  const status = await localDisk.stat(privateDirectory(t))
  t.equal(windowsPlatform.describeAccess(status), 'as the directory above grants it')
  t.equal(windowsPlatform.findByName('*.lock'), 'dir /s /b "SESSION_DIR\\*.lock"')
  t.equal(windowsPlatform.findBySize(100), 'forfiles /p SESSION_DIR /s /c "cmd /c if @fsize gtr 100 echo @path"')
  const posix = platformOf('linux')
  t.equal(posix.describeAccess(status), `user ${status.uid}, 0700`)
  t.equal(posix.findByName('*.lock'), 'find SESSION_DIR -name "*.lock"')
  t.equal(posix.findBySize(100), 'find SESSION_DIR -size +100c')
})

t.test('each looks at the place of a directory with calls of its own', async t => {
  const posix = platformOf('linux')
  t.equal(posix.resolve('/app/../sessions'), '/sessions')
  t.strictSame(await posix.warningsOf(t.testdir()), [])
  t.type((await posix.fileSystemOf(t.testdir())).name, 'string')
  t.equal(windowsPlatform.resolve('\\\\?\\C:\\app\\sessions'), 'C:\\app\\sessions')
  // Here these paths are no Windows paths, and the calls are real.
  t.strictSame(await windowsPlatform.warningsOf(join(homedir(), '.')).then(warnings => warnings.length), 1)
  t.strictSame(await windowsPlatform.fileSystemOf(t.testdir()), { name: 'a local volume' })
})
