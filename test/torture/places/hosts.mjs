// Three hosts: network namespaces where these can be made, so that one can be cut off from the others;
// otherwise all of them are this machine. The last one is where the torture itself runs.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'

const NAMES = ['a', 'b', 'here']

export function startHosts (teardown) {
  const id = `t${process.pid % 100_000}`
  const net = `10.${64 + process.pid % 64}.${(process.pid >> 6) % 256}`
  const bridge = `${id}br`
  try {
    teardown(() => { for (const name of ['a', 'b']) quietly('netns', 'del', `${id}${name}`) })
    teardown(() => { quietly('link', 'del', bridge) })
    ip('link', 'add', bridge, 'type', 'bridge')
    ip('addr', 'add', `${net}.254/24`, 'dev', bridge)
    ip('link', 'set', bridge, 'up')
    return NAMES.map((name, index) => name === 'here'
      ? { name, address: `${net}.254`, command: [] }
      : namespace({ id, name, bridge, address: `${net}.${index + 1}` }))
  } catch {
    console.error('network namespaces cannot be made here, so that no host is cut off')
    return NAMES.map(name => ({ name, address: '127.0.0.1', command: [] }))
  }
}

/** Starts a program on a host; it ends with the torture. */
export function startOn ({ command }, program, teardown) {
  const [first, ...rest] = [...command, ...program]
  const child = spawn(first, rest, { stdio: 'ignore' })
  const exited = once(child, 'exit')
  teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return { child, exited }
}

function namespace ({ id, name, bridge, address }) {
  const [space, outer, inner] = [`${id}${name}`, `${id}${name}o`, `${id}${name}i`]
  ip('netns', 'add', space)
  ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner)
  ip('link', 'set', outer, 'master', bridge, 'up')
  ip('link', 'set', inner, 'netns', space)
  ip('-n', space, 'addr', 'add', `${address}/24`, 'dev', inner)
  ip('-n', space, 'link', 'set', inner, 'up')
  ip('-n', space, 'link', 'set', 'lo', 'up')
  return {
    name,
    address,
    command: ['ip', 'netns', 'exec', space],
    cutOff () { ip('link', 'set', outer, 'down') },
    connect () { ip('link', 'set', outer, 'up') }
  }
}

function ip (...parameters) {
  execFileSync('ip', parameters, { stdio: 'ignore' })
}

function quietly (...parameters) {
  try {
    ip(...parameters)
  } catch {}
}
