import { execFileSync } from 'node:child_process'
import { chownSync, lstatSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { localDisk } from '../../../lib/store/files/local-disk'
import { isOurs } from '../../../lib/store/files/ours'
import { isOwnDirectory } from '../../../lib/store/files/private-file'
import { systemError } from '../../../lib/errors'
import { freshModule } from '../../support/fresh-module'

const isRoot = process.geteuid?.() === 0

t.test('a file is ours by how it starts', async t => {
  const dir = t.testdir()
  for (const [content, expected] of [['FFS1', true], ['FFS1 and more', true], ['', true], ['FF', true], ['FFS2', false], ['x\u0001K', false], ['x', false]] as const) {
    writeFileSync(join(dir, 'file'), content, 'latin1')
    t.equal(await isOurs(localDisk, join(dir, 'file')), expected, JSON.stringify(content))
  }
  utimesSync(join(dir, 'file'), 5, 5)
  await isOurs(localDisk, join(dir, 'file'))
  t.equal(lstatSync(join(dir, 'file')).atimeMs, 5000, 'looking is not use')
})

t.test('only a file is ours, and nothing is waited for', async t => {
  const dir = t.testdir({ directory: {}, file: 'FFS1' })
  symlinkSync('file', join(dir, 'link'))
  execFileSync('mkfifo', [join(dir, 'pipe')])
  for (const name of ['directory', 'link', 'pipe', 'missing']) t.equal(await isOurs(localDisk, join(dir, name)), false, name)
  const server = createServer().listen(join(dir, 'socket'))
  await once(server, 'listening')
  t.equal(await isOurs(localDisk, join(dir, 'socket')), false)
  server.close()
  t.ok(isOwnDirectory(lstatSync(join(dir, 'directory'))))
  t.notOk(isOwnDirectory(lstatSync(join(dir, 'file'))))
  t.notOk(isOwnDirectory(lstatSync(join(dir, 'link'))))
})

t.test('only a file of this user is ours', { skip: isRoot ? false : 'only root can give files to others' }, async t => {
  const dir = t.testdir({ file: 'FFS1', directory: {} })
  for (const name of ['file', 'directory']) chownSync(join(dir, name), 65534, 65534)
  t.equal(await isOurs(localDisk, join(dir, 'file')), false)
  t.notOk(isOwnDirectory(lstatSync(join(dir, 'directory'))))
  t.intercept(process, 'geteuid', { value: undefined })
  t.equal(await isOurs(localDisk, join(dir, 'file')), true, 'where there are no users')
})

t.test('a file is looked at where opening cannot keep the access time', async t => {
  const fs = require('node:fs') as typeof import('node:fs')
  const { O_NOATIME, ...constants } = fs.constants
  const ours = freshModule<typeof import('../../../lib/store/files/ours')>(require.resolve('../../../lib/store/files/ours'), { 'node:fs': { ...fs, constants } })
  const path = join(t.testdir({ file: 'FFS1' }), 'file')
  const flags: number[] = []
  const disk = { ...localDisk, open: async (path: string, given: number) => { flags.push(given); return await localDisk.open(path, given) } }
  t.ok(await ours.isOurs(disk, path))
  t.ok(await isOurs(disk, path))
  t.equal(flags[1], (flags[0] ?? 0) | O_NOATIME)
})

t.test('a file that cannot be opened is an error', async t => {
  const disk = { ...localDisk, open: async () => { throw systemError('EIO', 'i/o error', 'open') } }
  await t.rejects(isOurs(disk, join(t.testdir(), 'file')), { code: 'EIO' })
})
