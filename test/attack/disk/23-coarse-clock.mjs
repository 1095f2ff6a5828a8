import fs from 'node:fs'
import { SessionFileStore } from 'fastify-file-sessions'
import { hook } from '../support/fs-hooks.mjs'

const SAVES = 40

/** A file system that counts whole seconds, and knows no birth time. */
async function coarseClock (ground) {
  for (const name of ['fstat', 'lstat', 'stat']) {
    hook(name, () => status => {
      const change = typeof status.ctimeMs === 'bigint' ? coarseBigint : coarse
      return Object.assign(status, change(status))
    })
  }
  const counts = { syncs: 0, rewrites: 0, creations: 0 }
  for (const name of ['fsync', 'fdatasync']) {
    hook(name, fd => { if (fs.fstatSync(fd).isFile()) counts.syncs++ })
  }
  hook('rename', (_from, to) => { if (/\/[0-9a-f]{62}$/.test(to)) counts.rewrites++ })
  hook('open', path => { if (/\.tmp\/|\.lock\//.test(path)) counts.creations++ })
  const sessionDir = ground.directory()
  const store = new SessionFileStore({ sessionDir })
  await store.open()
  const sesid = await store.newSession()
  Object.assign(counts, { syncs: 0, rewrites: 0, creations: 0 })
  for (let save = 0; save < SAVES; save++) await store.putSession(sesid, `${save}`.repeat(1500))
  if (counts.rewrites === 0) throw new Error('no file was rewritten')
  ground.tried(counts.rewrites)
  ground.succeeded(`${counts.rewrites} rewrites of a file sync ${counts.syncs} times`, counts.syncs > counts.rewrites ? 1 : 0)
  ground.succeeded(`${counts.rewrites} rewrites of a file make ${counts.creations} files`, counts.creations > 3 * counts.rewrites ? 1 : 0)
  ground.succeeded('the session is not as it was saved', await store.getSession(sesid) === `${SAVES - 1}`.repeat(1500) ? 0 : 1)
}

function coarse ({ ctimeMs, mtimeMs }) {
  return { birthtimeMs: 0, birthtime: new Date(0), ctimeMs: Math.floor(ctimeMs / 1000) * 1000, mtimeMs: Math.floor(mtimeMs / 1000) * 1000 }
}

function coarseBigint ({ ctimeMs, mtimeMs }) {
  const [ctime, mtime] = [ctimeMs, mtimeMs].map(time => time / 1000n * 1000n)
  return { birthtimeMs: 0n, birthtimeNs: 0n, ctimeMs: ctime, ctimeNs: ctime * 1_000_000n, mtimeMs: mtime, mtimeNs: mtime * 1_000_000n }
}

export const attacks = [{ entry: 23, name: 'rewrites by a clock of whole seconds', run: coarseClock }]
