import { statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { directoryCalls } from '../../../lib/store/files/directory-calls'

t.test('the calls for directories do what the system calls do', async t => {
  const dir = t.testdir({ file: 'text', sub: {} })
  symlinkSync('sub', join(dir, 'link'))
  t.ok((await directoryCalls.stat(join(dir, 'link'))).isDirectory())
  t.ok((await directoryCalls.lstat(join(dir, 'link'))).isSymbolicLink())
  t.equal(await directoryCalls.realpath(join(dir, 'link')), join(dir, 'sub'))
  await directoryCalls.mkdir(join(dir, 'made'), 0o700)
  t.equal(statSync(join(dir, 'made')).mode & 0o777, 0o700)
  await directoryCalls.access(join(dir, 'made'))
  await directoryCalls.link(join(dir, 'file'), join(dir, 'other'))
  t.equal(statSync(join(dir, 'file')).nlink, 2)
  t.ok((await directoryCalls.statfs(dir)).bsize > 0)
  const names: string[] = []
  for await (const { name } of await directoryCalls.opendir(dir)) names.push(name)
  t.strictSame(names.sort(), ['file', 'link', 'made', 'other', 'sub'])
})

t.test('they reject with the system\'s error', async t => {
  const dir = t.testdir({ file: '' })
  for (const call of ['stat', 'lstat', 'realpath', 'access', 'opendir', 'statfs'] as const) {
    await t.rejects(directoryCalls[call](join(dir, 'missing')) as Promise<unknown>, { code: 'ENOENT' }, call)
  }
  await t.rejects(directoryCalls.mkdir(join(dir, 'file'), 0o700), { code: 'EEXIST' })
  await t.rejects(directoryCalls.link(join(dir, 'file'), join(dir, 'file')), { code: 'EEXIST' })
})
