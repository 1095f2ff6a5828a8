import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { SessionFileError, SessionFileStore } from 'fastify-file-sessions'
import { sessionFiles } from '../support/files.mjs'
import { hook } from '../support/fs-hooks.mjs'
import { pretendMount } from '../support/pretended-mount.mjs'

const STRANGER = 4242

async function opens (sessionDir) {
  const store = new SessionFileStore({ sessionDir })
  return await store.open().then(() => store, error => {
    if (!(error instanceof SessionFileError)) throw error
    return null
  })
}

/** Each makes a session directory, with `sid` in it, one that must not be used. */
const UNFIT = {
  'belongs to another user' (ground, path) { fs.chownSync(path, STRANGER, STRANGER) },
  'may be written by its group' (ground, path) { fs.chmodSync(path, 0o770) },
  'may be read by its group' (ground, path) { fs.chmodSync(path, 0o750) },
  'may be entered by its group' (ground, path) { fs.chmodSync(path, 0o710) },
  'may be used by others' (ground, path) { fs.chmodSync(path, 0o707) }
}

async function directories (ground) {
  for (const level of ['sessionDir', 'the appid directory']) {
    for (const [what, spoil] of Object.entries(UNFIT)) {
      if (what.includes('another user') && process.getuid() !== 0) continue
      const sessionDir = ground.directory()
      await opens(sessionDir)
      spoil(ground, level === 'sessionDir' ? sessionDir : join(sessionDir, 'sid'))
      ground.judge(await opens(sessionDir) !== null, `${level} is used though it ${what}`)
    }
  }
}

async function links (ground) {
  const other = ground.directory()
  const sessionDir = ground.directory()
  fs.symlinkSync(other, join(sessionDir, 'sid'))
  ground.judge(await opens(sessionDir) !== null, 'the appid directory may be a link')

  for (const [what, spoil] of Object.entries(UNFIT)) {
    if (what.includes('another user') && process.getuid() !== 0) continue
    const target = ground.directory()
    spoil(ground, target)
    const link = join(ground.directory(), 'link')
    fs.symlinkSync(target, link)
    ground.judge(await opens(link) !== null, `sessionDir is used as a link to a directory that ${what}`)
  }
}

/** A session that is planted or spoilt at its place must not be served, neither by a new process nor by one that runs. */
async function planted (ground) {
  const spoil = {
    'its file belongs to another user': path => { fs.chownSync(path, STRANGER, STRANGER) },
    'others may write its file': path => { fs.chmodSync(path, 0o666) },
    'its group may write its file': path => { fs.chmodSync(path, 0o620) },
    'others may read its file': path => { fs.chmodSync(path, 0o604) },
    'its file is a link': path => moveAndLink(ground, path),
    'its shard is a link': path => moveAndLink(ground, dirname(path)),
    'others may write its shard': path => { fs.chmodSync(dirname(path), 0o777) },
    'its group may write its shard': path => { fs.chmodSync(dirname(path), 0o770) },
    'its shard belongs to another user': path => { fs.chownSync(dirname(path), STRANGER, STRANGER) }
  }
  for (const [what, spoilIt] of Object.entries(spoil)) {
    if (what.includes('another user') && process.getuid() !== 0) continue
    const sessionDir = ground.directory()
    const running = await opens(sessionDir)
    const maker = await opens(sessionDir)
    const sesid = await maker.newSession()
    await maker.putSession(sesid, 'planted')
    const [path] = sessionFiles(sessionDir)
    spoilIt(path)
    for (const [who, store] of [['a new process', new SessionFileStore({ sessionDir })], ['a process that runs', running]]) {
      const text = await store.getSession(sesid).catch(() => null)
      ground.judge(text !== null, `${who} serves a session though ${what}`)
      const isStored = await store.putSession(sesid, 'written').then(() => readAnyway(path).includes('written'), () => false)
      ground.judge(isStored, `${who} writes to a session though ${what}`)
    }
  }
}

function moveAndLink (ground, path) {
  const target = join(ground.directory(), 'moved')
  fs.renameSync(path, target)
  fs.symlinkSync(target, path)
}

function readAnyway (path) {
  return fs.readFileSync(path, 'latin1')
}

/** On a mount that has no modes, as FAT, all are what its options say; the error tells which option to give. */
async function advice (ground) {
  for (const name of ['stat', 'lstat', 'fstat']) {
    hook(name, () => status => typeof status.mode === 'bigint' ? status : Object.assign(status, { mode: (status.mode & ~0o777) | 0o755 }))
  }
  pretendMount('vfat')
  const sessionDir = ground.directory()
  const error = await new SessionFileStore({ sessionDir }).open().then(() => null, error => error)
  ground.judge(!/umask=0?077/.test(error?.message), 'on a mount that has no modes the error does not name umask=077')
}

export const attacks = [
  { entry: 12, name: 'directories of others, and with access for others', run: directories },
  { entry: 12, name: 'links in place of directories', run: links },
  { entry: 12, name: 'sessions that are planted', run: planted },
  { entry: 12, name: 'the advice on a mount that has no modes', run: advice }
]
