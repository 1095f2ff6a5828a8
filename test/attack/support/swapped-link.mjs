// Works on a session directory in which a link is put just after the listing: at the first call that names a shard, or
// the appid's directory once more, whichever is swapped.
// node swapped-link.mjs shard|appid <appid's directory> <target> clear|reap|command <sessionDir or arguments>
// Prints whether it came to that, and how many files of the target were opened or removed.
import fs from 'node:fs'
import { hook } from './fs-hooks.mjs'

const [instead, directory, target, work, ...args] = process.argv.slice(2)
const outside = new Set()
let isListed = false
let isSwapped = false
for (const name of ['open', 'opendir', 'readdir', 'lstat', 'stat', 'realpath']) {
  hook(name, path => {
    if (isSwapped || !isNextCall(name, path)) return
    isSwapped = true
    if (instead === 'appid') swap(directory, target)
    // All of them: which one is looked at next is not known.
    else for (const shard of fs.readdirSync(target)) swap(`${directory}/${shard}`, `${target}/${shard}`)
  })
}
for (const name of ['open', 'unlink']) {
  hook(name, path => {
    if (!isSwapped || !/\/[0-9a-f]{62}$/.test(path)) return
    let real
    try {
      real = fs.realpathSync.native(path)
    } catch {
      return
    }
    if (real.startsWith(`${target}/`)) outside.add(real)
  })
}

process.send('ready')
process.on('exit', () => { fs.writeSync(1, `\noutside: ${JSON.stringify({ isSwapped, count: outside.size })}\n`) })
if (work === 'command') {
  process.argv.splice(2, process.argv.length, ...args)
  await import('../../../dist/lib/cli/main.js')
} else {
  const { SessionFileStore } = await import('fastify-file-sessions')
  const store = new SessionFileStore({ sessionDir: args[0] })
  await store[work]().catch(() => {})
}
process.disconnect()

function isNextCall (name, path) {
  if (typeof path !== 'string') return false
  if (path.startsWith(`${directory}/`)) return /^[0-9a-f]{2}(\/|$)/.test(path.slice(directory.length + 1))
  if (path !== directory) return false
  if (isListed) return instead === 'appid'
  isListed = name === 'opendir' || name === 'readdir'
  return false
}

function swap (path, target) {
  fs.renameSync(path, `${path}-moved`)
  fs.symlinkSync(target, path)
}
