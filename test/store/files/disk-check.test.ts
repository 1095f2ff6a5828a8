import { spawnSync } from 'node:child_process'
import { link, mkdtemp, readdir, readFile, rm, rmdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import underPressure from '@fastify/under-pressure'
import t, { type Test } from 'tap'
import fileSessions, { SessionFileStore } from '../../../index'
import { checkDisk } from '../../../lib/store/files/disk-check'
import { localDisk } from '../../../lib/store/files/local-disk'

t.test('a healthy disk says what is free', async t => {
  const sessionDir = join(t.testdir(), 'sessions')
  const store = new SessionFileStore({ sessionDir })
  await t.rejects(store.checkDisk(), { code: 'SESSION_FILE', cause: { code: 'ENOENT' } })
  await store.open()
  const { freeBytes, freeFiles } = await store.checkDisk()
  t.ok(freeBytes > 0)
  t.ok(freeFiles > 0)
  t.strictSame(await readdir(join(sessionDir, 'sid')), [], 'nothing is left behind')
  t.strictSame(await Promise.all([1, 2, 3, 4].map(async () => typeof (await store.checkDisk()).freeBytes)),
    ['number', 'number', 'number', 'number'], 'several at once')
})

t.test('a disk with less room than is asked for is an error', async t => {
  const store = new SessionFileStore({ sessionDir: join(t.testdir(), 'sessions') })
  await store.open()
  await t.rejects(store.checkDisk({ freeBytes: Number.MAX_SAFE_INTEGER }), { code: 'SESSION_FILE', message: /bytes are free/ })
  const { freeFiles } = await store.checkDisk()
  if (freeFiles !== Infinity) await t.rejects(store.checkDisk({ freeFiles: Number.MAX_SAFE_INTEGER }), { code: 'SESSION_FILE', message: /files can be made/ })
})

t.test('what stands at the path of the trial is never written to', async t => {
  const directory = t.testdir({ target: 'kept' })
  const { open } = localDisk
  const opened: string[] = []
  let occupy = async (_path: string): Promise<void> => {}
  t.intercept(localDisk, 'open', {
    value: async (path: string, flags: number, mode: number) => {
      opened.push(path)
      await occupy(path)
      return await open(path, flags, mode)
    }
  })
  const least = { freeBytes: 0, freeFiles: 0 }
  await checkDisk(directory, least)
  await checkDisk(directory, least)
  t.equal(new Set(opened).size, 2, 'its name is another each time')
  for (const take of [link, symlink]) {
    occupy = async path => { await take(join(directory, 'target'), path) }
    await t.rejects(checkDisk(directory, least), { code: 'SESSION_FILE', cause: { code: 'EEXIST' } })
    t.equal(await readFile(join(directory, 'target'), 'utf8'), 'kept')
  }
})

t.test('a trial that was removed meanwhile is well, and one that finds no room is an error', async t => {
  const directory = t.testdir()
  const { write } = localDisk
  t.intercept(localDisk, 'write', {
    value: async (fd: number, bytes: Buffer) => {
      const [name = ''] = await readdir(directory)
      await rm(join(directory, name))
      return await write(fd, bytes)
    }
  })
  await checkDisk(directory, { freeBytes: 0, freeFiles: 0 })
  t.intercept(localDisk, 'write', { value: async () => 4096 })
  await t.rejects(checkDisk(directory, { freeBytes: 0, freeFiles: 0 }), { message: /disk is full/, cause: { code: 'ENOSPC' } })
  t.strictSame(await readdir(directory), [])
})

/** Runs a test on a small filesystem of its own, if that can be mounted. */
async function onTmpfs (t: Test, options: string, test: (mounted: string) => Promise<void>): Promise<void> {
  const mounted = await mkdtemp(join(tmpdir(), 'disk-check-'))
  try {
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', mounted])
    if (status !== 0) {
      t.pass('a disk of its own', { skip: 'mounting a tmpfs is not permitted here' })
      return
    }
    try {
      await test(mounted)
    } finally {
      spawnSync('umount', [mounted])
    }
  } finally {
    await rmdir(mounted)
  }
}

t.test('a health check on a disk that fills up rejects', t => onTmpfs(t, 'size=2m', async mounted => {
  const sessionDir = join(mounted, 'sessions')
  const app = Fastify()
  await app.register(fileSessions, { sessionDir, maxSize: 64 * 1024 })
  const store = app.sessionStore as SessionFileStore
  await store.open()
  await app.register(underPressure, {
    exposeStatusRoute: '/status',
    async healthCheck () { await store.checkDisk(); return true }
  })
  const origin = await app.listen({ port: 0 })
  const status = async (): Promise<number> => (await fetch(`${origin}/status`)).status

  t.equal(await status(), 200)
  await writeFile(join(mounted, 'ballast'), Buffer.alloc(2 * 1024 * 1024 - 48 * 1024))
  t.equal(await status(), 503, 'nearly full')
  await t.rejects(store.checkDisk(), { message: /nearly full/ })
  await writeFile(join(mounted, 'more'), Buffer.alloc(64 * 1024)).catch(() => {})
  await t.rejects(store.checkDisk(), { message: /disk is full/, cause: { code: 'ENOSPC' } }, 'full')
  await truncate(join(mounted, 'ballast'), 2 * 1024 * 1024 - 52 * 1024)
  await t.rejects(store.checkDisk(), { message: /disk is full/, cause: { code: 'ENOSPC' } }, 'room for one page of two')
  await rm(join(mounted, 'ballast'))
  await rm(join(mounted, 'more'))
  t.equal(await status(), 200, 'healthy again')

  spawnSync('mount', ['-o', 'remount,ro', mounted])
  await t.rejects(store.checkDisk(), { message: /read-only/, cause: { code: 'EROFS' } })
  t.equal(await status(), 503)
  await app.close()
}))

t.test('a disk that has room but no more files is an error', t => onTmpfs(t, 'size=2m,nr_inodes=20', async mounted => {
  const store = new SessionFileStore({ sessionDir: join(mounted, 'sessions') })
  await store.open()
  await t.rejects(store.checkDisk(), { message: /files can be made/ })
  t.match(await store.checkDisk({ freeFiles: 10 }), { freeFiles: 17 })
}))

t.test('a disk that does not count files has room for them', t => onTmpfs(t, 'size=2m,nr_inodes=0', async mounted => {
  const store = new SessionFileStore({ sessionDir: join(mounted, 'sessions') })
  await store.open()
  t.match(await store.checkDisk(), { freeFiles: Infinity })
}))
