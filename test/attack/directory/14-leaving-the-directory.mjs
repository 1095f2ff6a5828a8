import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { SessionFileStore } from 'fastify-file-sessions'
import { sessionFiles, setTimes } from '../support/files.mjs'

const SESSIONS = 20
/** Seconds. Long enough ago for every timeout. */
const LONG_AGO = -1_000_000

const WORKS = {
  'store.clear()': sessionDir => ['clear', sessionDir],
  'store.reap()': sessionDir => ['reap', sessionDir],
  'file-sessions clean': sessionDir => ['command', 'clean', sessionDir],
  'file-sessions verify': sessionDir => ['command', 'verify', sessionDir],
  'file-sessions list': sessionDir => ['command', 'list', sessionDir]
}

/** The app of another user, or another app: its sessions are old enough to be removed, were they in our directory. */
async function victim (ground, sessionDir, appid) {
  const store = new SessionFileStore({ sessionDir, appid })
  await store.open()
  for (let count = 0; count < SESSIONS; count++) {
    await store.putSession(await store.newSession(), 'precious')
  }
  for (const path of sessionFiles(sessionDir)) setTimes(path, LONG_AGO)
}

/**
 * At the first call that names a shard after the directory was listed, the shard is swapped for a link: `instead` of
 * the shard itself, or of the appid's directory.
 */
async function swappedLinks (ground, instead) {
  for (const [what, work] of Object.entries(WORKS)) {
    const theirs = ground.directory()
    await victim(ground, theirs, 'bank')
    const before = sessionFiles(theirs)
    const ours = ground.directory()
    const store = new SessionFileStore({ sessionDir: ours })
    await store.open()
    // As a sweep starts at any shard, each of ours has the name of one of theirs.
    for (const path of before) {
      fs.mkdirSync(join(ours, 'sid', shardOf(path)), { mode: 0o700, recursive: true })
    }
    const child = await ground.start('swapped-link.mjs', [instead, join(ours, 'sid'), join(theirs, 'bank'), ...work(ours)])
    await child.exited
    ground.checkNoCrash(child.output())
    const { isSwapped, count } = JSON.parse(child.output().split('\n').find(line => line.startsWith('outside: ')).slice('outside: '.length))
    if (!isSwapped) throw new Error('no link was put in place of a directory')
    ground.judge(sessionFiles(theirs).length < before.length, `${what} removes sessions in another directory`)
    ground.succeeded(`${what} opens files in another directory`, count)
  }
}

function shardOf (path) {
  return dirname(path).slice(-2)
}

/** `clean` works on a directory that is not a session directory. */
async function gitRepository (ground) {
  ground.needCommands('git')
  const directory = ground.directory()
  const git = (...args) => ground.sh('git', '-C', directory, '-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args)
  git('init', '--quiet', '--object-format=sha256')
  for (let count = 0; count < 20; count++) {
    fs.writeFileSync(join(directory, 'file'), `${count}`)
    git('add', 'file')
    git('commit', '--quiet', '--message', `${count}`)
  }
  const works = {
    'file-sessions clean': repository => ground.command(['clean', repository]),
    'file-sessions clean --appid objects': repository => ground.command(['clean', repository, '--appid', 'objects']),
    'file-sessions clean --absolute': repository => ground.command(['clean', repository, '--absolute', '1s']),
    // Of an app that is given such a directory.
    'store.reap()': repository => new SessionFileStore({ sessionDir: repository, appid: 'objects' }).reap().catch(() => {}),
    'store.clear()': repository => new SessionFileStore({ sessionDir: repository, appid: 'objects' }).clear().catch(() => {})
  }
  for (const [what, work] of Object.entries(works)) {
    const repository = join(ground.directory(), 'git')
    fs.cpSync(join(directory, '.git'), repository, { recursive: true })
    // Private and old: nothing but what is in the objects tells that they are not ours.
    ground.sh('chmod', '-R', 'go-rwx', repository)
    for (const name of fs.readdirSync(repository, { recursive: true })) setTimes(join(repository, name), LONG_AGO)
    const before = objects(repository)
    await work(repository)
    ground.judge(objects(repository) < before, `${what} removes objects of a git repository`)
  }
}

function objects (repository) {
  return fs.readdirSync(join(repository, 'objects'), { recursive: true }).filter(name => /[0-9a-f]{62}$/.test(name)).length
}

/** Files that are not journals, under names that sessions have. */
async function strangeFiles (ground) {
  const contents = { 'a text': 'precious\n', 'a few zeros': Buffer.alloc(100), 'a journal of another kind': 'FFT1' + 'x'.repeat(100) }
  for (const what of ['store.reap()', 'store.clear()', 'file-sessions clean']) {
    for (const [name, content] of Object.entries(contents)) {
      const sessionDir = ground.directory()
      const store = new SessionFileStore({ sessionDir })
      await store.open()
      await store.newSession()
      const [path] = sessionFiles(sessionDir)
      fs.writeFileSync(path, content)
      setTimes(path, LONG_AGO)
      if (what === 'store.reap()') await store.reap().catch(() => {})
      else if (what === 'store.clear()') await store.clear().catch(() => {})
      else ground.command(['clean', sessionDir])
      ground.judge(!fs.existsSync(path), `${what} removes ${name}`)
    }
  }
}

export const attacks = [
  { entry: 14, name: 'a shard swapped for a link after the listing', run: ground => swappedLinks(ground, 'shard') },
  { entry: 14, name: "an appid's directory swapped for a link after the listing", run: ground => swappedLinks(ground, 'appid') },
  { entry: 14, name: 'clean, sweep and clear of a sha256 git repository', run: gitRepository },
  { entry: 14, name: 'clean, sweep and clear of files that are not journals', run: strangeFiles }
]
