import { resolve } from 'node:path'
import t from 'tap'
import { placeNamed } from '../../lib/cli/open-place'
import { windowsPlatform } from '../../lib/store/files/platform'

t.test('a directory is named as the app names it', async t => {
  t.strictSame(placeNamed('sessions/../other'), { directory: resolve('other') })
  t.strictSame(placeNamed('\\\\?\\C:\\app\\sessions', windowsPlatform), { directory: 'C:\\app\\sessions' }, 'on Windows, without the mark of a long path')
})
