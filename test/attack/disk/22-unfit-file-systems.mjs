import fs from 'node:fs'
import { SessionFileStore } from 'fastify-file-sessions'
import { hook, systemError } from '../support/fs-hooks.mjs'
import { pretendMount } from '../support/pretended-mount.mjs'

/** File systems that several machines may write to. */
const NETWORK = ['nfs4', 'cifs', 'smb3', 'smbfs', 'ceph', 'afs', '9p']

async function opens (sessionDir) {
  return await new SessionFileStore({ sessionDir }).open().then(() => true, () => false)
}

async function networks (ground) {
  for (const name of NETWORK) {
    pretendMount(name)
    ground.judge(await opens(ground.directory()), `${name} is used without a word`)
  }
}

/** File systems that lack one thing each, which the promises need. */
const LACKS = {
  'an exclusive creation finds no file that is there' () {
    loosen('open', 1, flags => typeof flags === 'number' ? flags & ~fs.constants.O_EXCL : flags)
  },
  'a directory is renamed over one that is not empty' () {
    hook('rename', (from, to) => {
      if (fs.statSync(from).isDirectory() && fs.existsSync(to)) fs.rmSync(to, { recursive: true })
    })
  },
  'a file is not renamed over another' () {
    hook('rename', (from, to) => {
      if (fs.statSync(from).isFile() && fs.existsSync(to)) throw systemError('EEXIST', 'rename', -17)
    })
  },
  'a directory cannot be renamed' () {
    hook('rename', from => {
      if (fs.statSync(from).isDirectory()) throw systemError('EPERM', 'rename', -1)
    })
  },
  'a file that was removed still counts a link' () {
    hook('fstat', () => status => Object.assign(status, { nlink: 1 }))
  },
  'appending writes at the beginning' () {
    loosen('open', 1, flags => typeof flags === 'number' ? flags & ~fs.constants.O_APPEND : flags)
  }
}

/** Changes an argument of a function of `fs`, whichever way it is called. */
function loosen (name, index, change) {
  for (const [owner, key] of [[fs, name], [fs, `${name}Sync`], [fs.promises, name]]) {
    const original = owner[key]
    owner[key] = (...args) => {
      args[index] = change(args[index])
      return original(...args)
    }
  }
}

/** Each in a process of its own, for what is lacking stays so. */
function lacking (what) {
  return async ground => {
    LACKS[what]()
    for (let round = 0; round < 3; round++) ground.judge(await opens(ground.directory()), `it is not noticed at the start that ${what}`)
  }
}

export const attacks = [
  { entry: 22, name: 'network file systems', run: networks },
  ...Object.keys(LACKS).map(what => ({ entry: 22, name: `a file system where ${what}`, run: lacking(what) }))
]
