import { lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { localDisk } from '../../../lib/store/files/local-disk'
import { isOrphan, removeOrphan } from '../../../lib/store/files/orphans'
import { systemError } from '../../../lib/errors'

const TOKEN = '0123456789abcdef'

t.test('of what is left behind only what is ours is removed', async t => {
  const dir = t.testdir({
    lock: { [TOKEN]: 'FFS1', fedcba9876543210: { [TOKEN]: 'FFS1' } },
    mixed: { [TOKEN]: 'foreign', fedcba9876543210: 'FFS1', notes: '' },
    ours: 'FFS1',
    foreign: 'foreign',
    target: { [TOKEN]: 'FFS1' }
  })
  symlinkSync('target', join(dir, 'link'))
  for (const name of ['lock', 'mixed', 'ours', 'foreign', 'link', 'missing']) await removeOrphan(localDisk, join(dir, name))
  t.strictSame(readdirSync(dir).sort(), ['foreign', 'link', 'mixed', 'target'])
  t.strictSame(readdirSync(join(dir, 'mixed')).sort(), [TOKEN, 'notes'])
  t.strictSame(readdirSync(join(dir, 'target')), [TOKEN])
  t.ok(await isOrphan(localDisk, join(dir, 'mixed'), lstatSync(join(dir, 'mixed'))))
  t.notOk(await isOrphan(localDisk, join(dir, 'foreign'), lstatSync(join(dir, 'foreign'))))
  mkdirSync(join(dir, 'lock'))
  const disk = { ...localDisk, readdir: async () => { throw systemError('ENOENT', 'no such file or directory', 'scandir') } }
  await removeOrphan(disk, join(dir, 'lock'))
  t.notOk(readdirSync(dir).includes('lock'))
})
