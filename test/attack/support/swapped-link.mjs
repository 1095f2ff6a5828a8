// Works on a session directory in which a link is put just after the listing:
// node swapped-link.mjs shard|appid <appid's directory> <target> clear|reap|command <sessionDir or arguments>
// Prints which files outside of the appid's directory were opened or removed.
import fs from 'node:fs'
import { hook } from './fs-hooks.mjs'

const [instead, directory, target, work, ...args] = process.argv.slice(2)
const outside = new Set()
let isSwapped = false
for (const name of ['open', 'opendir', 'readdir', 'lstat', 'stat', 'realpath']) {
  hook(name, path => {
    const [, shard] = shardIn(path) ?? []
    if (isSwapped || shard === undefined) return
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
process.on('exit', () => { fs.writeSync(1, `\noutside: ${JSON.stringify([...outside])}\n`) })
if (work === 'command') {
  process.argv.splice(2, process.argv.length, ...args)
  await import('../../../dist/lib/cli/main.js')
} else {
  const { SessionFileStore } = await import('fastify-file-sessions')
  const store = new SessionFileStore({ sessionDir: args[0] })
  await store[work]().catch(() => {})
}
process.disconnect()

function shardIn (path) {
  return typeof path === 'string' && path.startsWith(`${directory}/`) ? /^([0-9a-f]{2})(\/|$)/.exec(path.slice(directory.length + 1)) : null
}

function swap (path, target) {
  fs.renameSync(path, `${path}-moved`)
  fs.symlinkSync(target, path)
}
